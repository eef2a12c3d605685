"""Signs that another person uses an account: seen where sessions open and go on, told, and decided by nobody here."""
