"""What people do with an organization's seats: commands for `record.perform()`, and what pages read."""
