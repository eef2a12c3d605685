"""Who may do what, at an instant: one query, read by check, lists and explanations."""
