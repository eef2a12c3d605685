"""Access tokens: the keys that sign them, the keys that verify them, and tokens for other systems."""
