"""Erasing the person of a contact that acts for nobody any more, everywhere; ids, dates and the audit stay."""
