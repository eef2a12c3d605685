"""What an id tells by itself."""

from datetime import UTC, datetime
from uuid import UUID


def drawn_at(identity: UUID) -> datetime:
    """When a UUIDv7 was drawn, to the millisecond, by its maker's clock (RFC 9562, 5.7)."""
    return datetime.fromtimestamp((identity.int >> 80) / 1000, UTC)
