"""What was done in an organization's file, for those responsible for it."""
