"""What leaves Minutebook: exports of what a filter finds."""
