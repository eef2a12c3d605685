"""Erasing the person of a closed account, everywhere; ids, dates and the audit stay."""
