"""How fast is it? One workload, our store on both databases and two baselines beside it, measured in one run."""
