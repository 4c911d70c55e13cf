"""The demo: an organization with a year of believable history, done through the same commands as everything else."""
