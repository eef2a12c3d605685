"""Relations between organizations: one that acts for another, and what it may do there."""
