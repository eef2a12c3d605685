"""Organizations that have a code on paper: the code itself, what proves that somebody knows one, and its letters."""
