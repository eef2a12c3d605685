"""What an operator does at a terminal: `python -m services.NAME dead-letters … | reset-groups …`."""
