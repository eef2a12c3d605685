"""The questions that come before a form."""
