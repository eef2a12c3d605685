"""Sessions and their refresh tokens: how long they live, and what a token presented again means."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from chassis.keys import Keyring

LONGEST = timedelta(hours=12)  # a working day; NIST SP 800-63B-4 2.1.3 asks for a definite limit, ASVS 5.0 7.3.2 too
IDLE = timedelta(hours=1)  # without a refresh; the portal refreshes every few minutes while somebody works (ASVS 7.3.1)
RETRY_WITHIN = timedelta(seconds=10)  # a response lost on the way, or two windows of one browser, look like this
MOST_SHOWN = 100  # sessions in a list; nobody has as many within LONGEST, short of a program

SECRET_BYTES = 32  # of a refresh token: 256 random bits need no key to rest as a digest, and cannot be guessed


@dataclass(frozen=True)
class Session:
    """A person's session: the family of all refresh tokens that came one from the other. Ended for ever, or live."""

    session_id: UUID
    account_id: UUID
    epoch: int
    opened_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None

    def live(self, now: datetime) -> bool:
        """Whether it may still be refreshed."""
        return self.ended_at is None and now < self.expires_at


@dataclass(frozen=True)
class RefreshToken:
    """One refresh token at rest; `successor` is the digest of the one that replaced it, `successor_used` whether that
    was used in its turn."""

    issued_at: datetime
    used_at: datetime | None
    successor: bytes | None
    successor_used: bool


class Use(Enum):
    """What presenting a refresh token means."""

    FIRST = "it is exchanged for its successor"
    RETRY = "the answer may not have arrived: the same successor is given again"
    REUSE = "somebody else holds a copy: the session ends for both"
    TOO_LATE = "nobody used it for too long"


def use_of(token: RefreshToken, now: datetime) -> Use:
    """RFC 9700 4.14.2, with a few seconds for those who only repeat themselves."""
    if token.used_at is None:
        return Use.FIRST if now < token.issued_at + IDLE else Use.TOO_LATE
    if now < token.used_at + RETRY_WITHIN and not token.successor_used:
        return Use.RETRY
    return Use.REUSE


def first_refresh_token() -> str:
    """A new family's first token."""
    return secrets.token_urlsafe(SECRET_BYTES)


def successors(keyring: Keyring, token: str) -> tuple[str, ...]:
    """The token that replaces this one: as random as it to anybody without our key, and the same for every retry.

    So a retry makes no second branch of the family, and no token needs to rest here in a form that could be read. The
    first is made with the key in use; another one may have been given out while another key was.
    """
    found = keyring.lookups("refresh_token.successor", token)
    return tuple(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in found)


def digest(token: str) -> bytes:
    """What rests here instead of a refresh token, and finds it."""
    return hashlib.sha256(token.encode()).digest()
