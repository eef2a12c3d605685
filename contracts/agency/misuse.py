"""misuse.yaml: which signs of another person in somebody's account are told, and for which reasons one reports it."""

from collections.abc import Sequence
from datetime import date, timedelta

from pydantic import Field

from contracts.agency.text import Coded, Policy, Text


class MisuseReason(Coded):
    """Why somebody says that an account is used by another person than its own."""

    name: Text


class NetworksAtOnce(Policy):
    """Two networks at once: within `within_minutes` use went back `returns` times to a network that it had left.

    A person who moves from one network to another does not come back; whoever works on a telephone and a computer does,
    so more than one return is a sign.
    """

    returns: int = Field(ge=1, le=100)
    within_minutes: int = Field(ge=1, le=1_440)

    @property
    def within(self) -> timedelta:
        """Back from the moment."""
        return timedelta(minutes=self.within_minutes)


class Travel(Policy):
    """From one place of the operator's table to another faster than `kilometres_per_hour`.

    Only places `at_least_kilometres` apart: tables of networks and places are not exact.
    """

    kilometres_per_hour: int = Field(ge=200, le=3_000)
    at_least_kilometres: int = Field(ge=50, le=20_000)


class Devices(Policy):
    """So many devices, as browsers call themselves, within so many hours."""

    count: int = Field(ge=2, le=100)
    within_hours: int = Field(ge=1, le=168)

    @property
    def within(self) -> timedelta:
        """Back from the moment."""
        return timedelta(hours=self.within_hours)


class Sessions(Policy):
    """So many sessions that are open at the same time."""

    count: int = Field(ge=2, le=100)


class Signals(Policy):
    """Signs of another person, each of which an agency may do without. None of them ends anything: agents look.

    The same sign of the same account is told once in `quiet_hours`.
    """

    networks_at_once: NetworksAtOnce | None = None
    travel: Travel | None = None
    devices: Devices | None = None
    sessions: Sessions | None = None
    quiet_hours: int = Field(default=24, ge=1, le=720)

    @property
    def quiet(self) -> timedelta:
        """From one to the next of the same kind."""
        return timedelta(hours=self.quiet_hours)

    @property
    def looks_at_networks(self) -> bool:
        """Whether it is noted from where people come."""
        return any((self.networks_at_once, self.travel, self.devices))


class Misuse(Policy):
    """The file as a whole. Without `reasons` nobody reports, without `signals` nothing is noted."""

    reasons: tuple[MisuseReason, ...] = Field(default=(), max_length=100)
    signals: Signals = Signals()

    def reasons_on(self, day: date) -> Sequence[MisuseReason]:
        """Those that may be given on `day`, in order."""
        return tuple(reason for reason in self.reasons if reason.in_force(day))
