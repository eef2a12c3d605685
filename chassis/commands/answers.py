"""What every command answers with: its exit status, and a complaint that an operator understands."""

import sys

import asyncpg
from aiokafka.errors import KafkaError

from chassis.database import FAILING_NEIGHBOUR
from contracts import agency as agencies

WELL, NOT_WELL = 0, 1  # exit statuses; argparse ends with 2 for a wrong command line

OUTAGES = (KafkaError, asyncpg.PostgresError, *FAILING_NEIGHBOUR)
"""Kafka or the database does not do what it was asked."""

FAULTY = (ValueError, agencies.FaultyFiles)
"""The settings, the keys or the agency's folder cannot be read. An outage's class may be one of these too: ask first
whether it is an outage."""


def complain(words: str) -> int:
    """Say on the standard error what is not well. Returns NOT_WELL."""
    sys.stderr.write(words + "\n")
    return NOT_WELL
