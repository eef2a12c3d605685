"""The organizations whose files contacts are."""
