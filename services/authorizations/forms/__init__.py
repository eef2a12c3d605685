"""The service catalogue: what each form asks of a profile, with its choices."""
