"""The verifier: one file that runs without the rest of Minutebook, and imports nothing of it."""
