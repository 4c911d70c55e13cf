"""What vouches for the logs, outside the database: keys, what was signed last, the ledger of erasures. And the commands
and jobs on the log itself: erasing from it, how long it is kept, the clock that it is kept by."""
