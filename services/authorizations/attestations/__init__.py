"""Statements that a person ticks, kept in the words that were shown."""
