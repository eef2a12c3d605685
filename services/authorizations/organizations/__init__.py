"""Organizations: their file, the lock on it, and the numbering of its events."""
