"""How long a mail stays in one sender's hand, and what keeps others from taking it too early.

A lease is short, so that the mails of a sender that died wait a moment only, and renewed while the sender lives, so
that one that is merely slow keeps them. Leases are written by one machine's clock and read by another's.
"""

from datetime import datetime, timedelta

LEASE = timedelta(seconds=10)  # what a mail waits when its sender was killed
RENEW_EVERY = 3.0  # seconds: two renewals may fail before a lease ends
SKEW = timedelta(seconds=2)  # by which clocks may differ, and the time to reach DATA; NTP keeps far within it


class Grace:
    """What one process knows of the database's absence.

    While the database is away no owner can renew, and one that lives may hold mails which it has sent and not yet
    recorded. So after an absence nobody takes another's mail before every owner had a lease's time to come back:
    after a restart, as PostgreSQL tells its own start, and after what only its clients saw, a failover or a broken
    network, as told here.
    """

    def __init__(self) -> None:
        self._away = False
        self._until: datetime | None = None

    def lost(self) -> None:
        """The database did not answer."""
        self._away = True

    def others_keep_until(self, now: datetime) -> datetime | None:
        """Until when everybody keeps what is theirs, asked once the database answers; None when it never was away."""
        if self._away:
            self._away = False
            self._until = now + LEASE + SKEW
        return self._until
