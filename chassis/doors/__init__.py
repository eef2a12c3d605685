"""Doors from Kafka: each record reaches one handler, exactly once in effect; what cannot be handled is parked.

A subscription spells out what it promises. Under every one of them: offsets are committed after the database's
commit, lazily, because the inbox absorbs what is delivered again; no exception leaves a door, because one that does
either loses the record or spins on it (docs/architecture/delivery.md).
"""

from chassis.doors.doors import Doors

__all__ = ["Doors"]
