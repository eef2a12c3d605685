"""Files that look like one person’s: found before a second one is made."""
