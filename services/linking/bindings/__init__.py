"""Which account is which contact, since when, and how it was proven."""
