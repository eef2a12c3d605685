"""Which account is which contact: making a link, ending it, and the profiles that result."""
