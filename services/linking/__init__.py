"""The register of bindings: which account is which contact, and the linking codes that prove it."""
