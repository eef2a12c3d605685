"""Who manages an organization, and who of them can act now: the one place that knows; what follows from a change."""
