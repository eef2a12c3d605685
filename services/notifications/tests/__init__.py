"""Promises of notifications."""
