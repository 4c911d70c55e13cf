"""What is hashed, and how: pure functions without a database, frozen by golden vectors."""
