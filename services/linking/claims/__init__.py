"""Claims: an account asks to act for an organization that it named; authorizations decides, and here it is shown."""
