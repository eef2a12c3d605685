"""Which account is which contact, since when: linking says so, and this service keeps it dated."""
