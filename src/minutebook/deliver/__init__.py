"""What of the log goes to others: as it grows (`tail.py`)."""
