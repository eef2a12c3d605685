"""Both sides of a mandate sign its text, the delegate without an account; and read or print what was signed."""
