"""Letters that carry organization codes: which are due, what was printed, and how they look."""
