"""Figures of the whole stack, each beside its floor in the same run. `python -m bench list` says which there are."""
