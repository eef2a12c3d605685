"""Who manages an organization, and who of them can act now: the one place that knows."""
