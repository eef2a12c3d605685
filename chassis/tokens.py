"""Who calls: bearer tokens, verified with keys fetched in the background and revocations kept in our own database."""

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal
from uuid import UUID

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import KeySet
from prometheus_client import Counter

from chassis import issuer_keys
from chassis.database import Connection, Pool
from chassis.issuer_keys import IssuerKeys
from chassis.together import Together
from chassis.waiting import set_within
from contracts.agency.profile import AgentIssuer
from contracts.tokens import AUDIENCE, GOOD_AT_ONE

ACCESS_TYPE = "at+jwt"  # RFC 9068: what accounts signs for another purpose is no access token
ALGORITHMS = ["ES256", "RS256"]
LEEWAY = 5  # seconds that clocks may differ
REMEMBERED = 10_000  # verified tokens: the signature of one that comes again within its minutes is not computed again

REFUSED = Counter(
    "mandat_tokens_refused",
    "Bearer tokens that were not taken, by why: unreadable, unknown_issuer, expired, unverified (signature, audience, a"
    " missing claim), wrong_type, incomplete, revoked, elsewhere (good at another service alone), keys_unknown (ours)",
    ["reason"],
)

REVOKED = """
select exists (select from revoked_sessions where session_id = person.session_id)
    or exists (select from epochs where subject = person.account_id and epoch > person.epoch) as revoked
from unnest($1::uuid[], $2::uuid[], $3::bigint[]) with ordinality as person (session_id, account_id, epoch, place)
order by person.place
"""


@dataclass(frozen=True)
class Person:
    """A person's account in one session."""

    account_id: UUID
    session_id: UUID
    epoch: int
    auth_time: int


@dataclass(frozen=True)
class Machine:
    """Another system of the agency."""

    client_id: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class Agent:
    """An employee of the agency, always a named person."""

    subject: str
    name: str
    issuer: str


Caller = Person | Machine | Agent


Reason = Literal[
    "unreadable", "unknown_issuer", "expired", "unverified", "wrong_type", "incomplete", "revoked", "elsewhere"
]  # unverified: the signature, the audience, or a claim that must be there


class NotAuthenticated(Exception):
    """The token is missing, expired, forged, revoked, or from an issuer that nobody here trusts.

    `reason` is for operators alone: a caller is told nothing of it.
    """

    def __init__(self, reason: Reason = "unreadable") -> None:
        super().__init__(reason)
        self.reason = reason


class GoodElsewhere(NotAuthenticated):
    """The token is good, but at another service alone; `code` is the problem that says why."""

    def __init__(self, code: str) -> None:
        """As contracts/tokens.py says of the token's audience."""
        super().__init__("elsewhere")
        self.code = code


class KeysUnavailable(Exception):
    """The issuer is trusted but its keys have not been fetched yet."""


class Verifier:
    """Verifies bearer tokens. The kind of caller follows from `iss` alone."""

    def __init__(
        self,
        issuer_base: str,
        agent_issuers: tuple[AgentIssuer, ...],
        pool: Pool,
        *,
        keys: str | None = None,
        service: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`issuer_base` is the public base address of accounts; its keys serve for people and for machines, and are
        fetched from `keys`, by default where its tokens' readers find them.

        `service` is where this verifies: a token that is good there alone is taken. `clock` tells seconds since 1970.
        """
        self._clock = clock
        self._people = f"{issuer_base}/people"
        self._machines = f"{issuer_base}/machines"
        own = keys or f"{issuer_base}/.well-known/jwks.json"
        self._agents = {issuer.issuer: issuer for issuer in agent_issuers}
        self._sources: Mapping[str, str] = {
            self._people: own,
            self._machines: own,
            **{issuer.issuer: issuer.jwks_uri for issuer in agent_issuers},
        }
        self._keys = {source: IssuerKeys(source) for source in self._sources.values()}
        self._verified: dict[bytes, dict[str, Any]] = {}
        self._own_audience = f"{AUDIENCE}.{service}"
        self._wanted = {source: asyncio.Event() for source in self._keys}
        self._revoked = Together(partial(are_revoked, pool))

    async def verify(self, token: str) -> Caller:
        """The caller that a token names. Raises NotAuthenticated (also GoodElsewhere) or KeysUnavailable."""
        try:
            return await self._verify(token)
        except NotAuthenticated as refused:
            REFUSED.labels(refused.reason).inc()
            raise
        except KeysUnavailable:
            REFUSED.labels("keys_unknown").inc()
            raise

    async def _verify(self, token: str) -> Caller:
        claims = self._remembered(token) or self._claims(token)
        try:
            if claims["iss"] == self._people:
                person = Person(
                    UUID(claims["sub"]), UUID(claims["sid"]), int(claims["epoch"]), int(claims["auth_time"])
                )
                if await self._revoked.ask(person):
                    raise NotAuthenticated("revoked")
                return person
            if claims["iss"] == self._machines:
                return Machine(claims["sub"], frozenset(str(claims.get("scope", "")).split()))
            return Agent(claims["sub"], str(claims["name"]), claims["iss"])
        except (KeyError, ValueError, TypeError, AttributeError):
            raise NotAuthenticated("incomplete") from None

    def _remembered(self, token: str) -> dict[str, Any] | None:
        """The claims of a token that was verified before with keys that still count, while it has not expired."""
        claims = self._verified.get(_digest(token))
        return claims if claims is not None and claims["exp"] + LEEWAY > self._clock() else None

    def _claims(self, token: str) -> dict[str, Any]:
        issuer = _issuer(token)
        if issuer in self._agents:
            claims = self._signed(token, issuer, [self._agents[issuer].audience])
        else:
            claims = self._signed(token, issuer, [AUDIENCE, *GOOD_AT_ONE], ACCESS_TYPE)
        audience = str(claims["aud"])  # an agent's may be a list
        if audience in GOOD_AT_ONE and audience != self._own_audience:
            raise GoodElsewhere(GOOD_AT_ONE[audience])
        if len(self._verified) >= REMEMBERED:
            del self._verified[next(iter(self._verified))]
        self._verified[_digest(token)] = claims
        return claims

    def signed_for_people(self, token: str, token_type: str, audience: str) -> dict[str, Any]:
        """The claims of what accounts has signed in the name of people for another purpose than access.

        Raises NotAuthenticated or KeysUnavailable.
        """
        if _issuer(token) != self._people:
            raise NotAuthenticated("unknown_issuer")
        return self._signed(token, self._people, [audience], token_type)

    def _signed(self, token: str, issuer: str, audiences: list[str], token_type: str | None = None) -> dict[str, Any]:
        """The claims of a token that this issuer has signed for one of these audiences, of a type if one is given."""
        if issuer not in self._sources:
            raise NotAuthenticated("unknown_issuer")
        source = self._sources[issuer]
        keys = self._keys[source].usable
        if keys is None:
            self._wanted[source].set()
            raise KeysUnavailable
        rules = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "values": audiences},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            verified = jwt.decode(token, keys, algorithms=ALGORITHMS)
            rules.validate(verified.claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            header = jws.extract_compact(token.encode()).headers()
            if str(header.get("kid")) not in {key.kid for key in keys.keys}:  # whatever a stranger wrote
                self._wanted[source].set()
            raise NotAuthenticated("expired" if isinstance(error, ExpiredTokenError) else "unverified") from None
        if token_type is not None and verified.header.get("typ") != token_type:
            raise NotAuthenticated("wrong_type")
        return verified.claims

    def learn(self, source: str, keys: KeySet) -> None:
        """Take the keys found at a source (a jwks_uri); a token is verified again, with those."""
        self._keys[source].learn(keys)
        self._verified.clear()

    async def keep_keys(self) -> None:
        """Fetch issuers' keys, each issuer's by itself: at once, then regularly, and sooner when a token names one we
        do not know.
        """
        async with asyncio.TaskGroup() as tasks:
            for source in self._keys:
                tasks.create_task(self._keep_keys_of(source))

    async def _keep_keys_of(self, source: str) -> None:
        keys, wanted, fetched = self._keys[source], self._wanted[source], time.monotonic()
        while True:
            if await keys.fetch():
                self._verified.clear()
                fetched = time.monotonic()
            issuer_keys.AGE.labels(source).set(time.monotonic() - fetched)
            if await set_within(wanted, issuer_keys.REFRESH if keys.usable else issuer_keys.RETRY):
                await asyncio.sleep(issuer_keys.RETRY)
            wanted.clear()


def _issuer(token: str) -> str:
    """Whom a token names as its issuer; nothing of it is verified yet. Raises NotAuthenticated."""
    try:
        issuer = json.loads(jws.extract_compact(token.encode()).payload)["iss"]
    except (JoseError, ValueError, KeyError, TypeError, RecursionError):
        raise NotAuthenticated from None
    if not isinstance(issuer, str):
        raise NotAuthenticated
    return issuer


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def are_revoked(pool: Pool, persons: Sequence[Person]) -> list[bool]:
    """For each of several, whether the session ended, or every session of its epoch did."""
    rows = await pool.fetch(
        REVOKED,
        [person.session_id for person in persons],
        [person.account_id for person in persons],
        [person.epoch for person in persons],
    )
    return [row["revoked"] for row in rows]


async def revoke(connection: Connection, subject: UUID, session_id: UUID | None, epoch: int) -> None:
    """Remember that a session ended, or with None every session of the subject older than `epoch`. Monotone."""
    if session_id is not None:
        await connection.execute(
            "insert into revoked_sessions (session_id) values ($1) on conflict do nothing", session_id
        )
        return
    await connection.execute(
        "insert into epochs (subject, epoch) values ($1, $2)"
        " on conflict (subject) do update set epoch = greatest(epochs.epoch, excluded.epoch)",
        subject,
        epoch,
    )
