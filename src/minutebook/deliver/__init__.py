"""What leaves Minutebook: a log as it grows (`tail.py`), and exports of what a filter finds (`export.py`)."""
