"""What vouches for the logs: keys, and what was signed last, both kept outside the database."""
