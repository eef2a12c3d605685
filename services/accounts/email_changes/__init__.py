"""Another address for an account: proved by a code, told to the former one, which can undo it."""
