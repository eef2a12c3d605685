"""Dated rows in SQL: which version of one is known, and whether a relation or right is in force."""

import re

KNOWN_NOW = re.compile(r"upper_inf\((\w+)\.recorded\)")


def known(row: str) -> str:
    """Whether a version of a dated row is what we know now; `known_at` makes of it what we knew at another instant."""
    return f"upper_inf({row}.recorded)"


def known_at(instant: str, query: str) -> str:
    """A query over what was known at an instant, which is given in SQL, in place of what we know now."""
    return KNOWN_NOW.sub(lambda found: f"{found[1]}.recorded @> {instant}", query)


def in_force(row: str) -> str:
    """Whether a relation or right is in force at $1 (an instant) on $2 (the agency's day then)."""
    return f"({row}.valid @> $2::date and ({row}.ended_at is null or $1::timestamptz < {row}.ended_at))"
