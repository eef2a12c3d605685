"""Issuers' keys are fetched in the background, over HTTP, and sooner when a token names one we do not know."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.util import json_b64encode
from prometheus_client import REGISTRY

from chassis import issuer_keys, tokens
from chassis.issuer_keys import usable_keys
from chassis.tests.conftest import Bench, eventually
from chassis.tokens import Agent, GoodElsewhere, KeysUnavailable, Machine, NotAuthenticated, Person, Verifier
from contracts.agency.profile import AgentIssuer


class Issuer:
    """An issuer's HTTP server, which answers whatever a test wants."""

    def __init__(self) -> None:
        self.answer: bytes | None = None
        self.fetched = 0
        self.base = ""

    def publish(self, *keys: Any) -> None:
        """Answer with a key set of these keys, or dictionaries in their place."""
        found = [key if isinstance(key, dict) else key.as_dict(private=False) for key in keys]
        self.answer = json.dumps({"keys": found}).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        await reader.readuntil(b"\r\n\r\n")
        self.fetched += 1
        if self.answer is not None:
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self.answer)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + self.answer)
            await writer.drain()
        writer.close()

    def machine(self, key: Any, alg: str = "ES256", **header: str) -> str:
        """A machine's token, signed with a key."""
        now = int(time.time())
        claims = {"iss": f"{self.base}/machines", "aud": "mandat", "sub": "payroll", "scope": "a b", "exp": now + 60}
        return jwt.encode({"alg": alg, "kid": key.kid, "typ": "at+jwt"} | header, claims, key, algorithms=[alg])


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """An issuer on a port of its own."""
    issuer = Issuer()
    server = await asyncio.start_server(issuer.serve, "127.0.0.1", 0)
    issuer.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield issuer


Keep = Callable[[Verifier], Awaitable[Verifier]]


@pytest.fixture
async def verifier(issuer: Issuer, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Verifier]:
    """A verifier that keeps the issuer's keys."""
    monkeypatch.setattr(issuer_keys, "RETRY", 0.02)
    verifier = Verifier(issuer.base, (), bench.pool)
    keeping = asyncio.create_task(verifier.keep_keys())
    yield verifier
    keeping.cancel()
    await asyncio.wait([keeping])
    assert keeping.cancelled()  # nothing an issuer answers has ended it


def key_named(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


async def accepts(verifier: Verifier, token: str) -> bool:
    try:
        return await verifier.verify(token) == Machine("payroll", frozenset({"a", "b"}))
    except (NotAuthenticated, KeysUnavailable):
        return False


async def test_keys_are_fetched_as_soon_as_the_issuer_answers(issuer: Issuer, verifier: Verifier) -> None:
    key = key_named("1")
    with pytest.raises(KeysUnavailable):
        await verifier.verify(issuer.machine(key))
    await eventually(lambda: issuer.fetched > 1)

    issuer.publish(key)

    await eventually(lambda: accepts(verifier, issuer.machine(key)))


async def test_operators_see_for_how_long_an_issuer_has_given_no_keys(issuer: Issuer, verifier: Verifier) -> None:
    age = issuer_keys.AGE.labels(f"{issuer.base}/.well-known/jwks.json")._value
    await eventually(lambda: age.get() > 0.1)

    issuer.publish(key_named("1"))

    await eventually(lambda: age.get() < 0.1)


async def test_accounts_keys_are_fetched_where_the_setting_says(issuer: Issuer, bench: Bench) -> None:
    inside, issuer.base = issuer.base, "https://public.example"
    issuer.publish(key := key_named("1"))
    verifier = Verifier(issuer.base, (), bench.pool, keys=f"{inside}/.well-known/jwks.json")
    keeping = asyncio.create_task(verifier.keep_keys())

    await eventually(lambda: accepts(verifier, issuer.machine(key)))

    keeping.cancel()


async def test_keys_are_fetched_again_regularly(
    issuer: Issuer, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_keys, "REFRESH", 0.05)
    old, new = key_named("1"), key_named("2")
    issuer.publish(old)
    await eventually(lambda: accepts(verifier, issuer.machine(old)))

    issuer.publish(new)

    async def old_is_gone() -> bool:
        return not await accepts(verifier, issuer.machine(old))

    await eventually(old_is_gone)


async def test_a_token_that_was_good_is_refused_once_its_key_is_gone(bench: Bench) -> None:
    verifier, token = _with_key(bench, key := key_named("1"), expires_in=60)
    assert isinstance(await verifier.verify(token), Machine)
    assert isinstance(await verifier.verify(token), Machine)

    verifier.learn(JWKS, usable_keys({"keys": [key_named("1").as_dict(private=False)]}))

    with pytest.raises(NotAuthenticated):
        await verifier.verify(token)
    verifier.learn(JWKS, usable_keys({"keys": [key.as_dict(private=False)]}))
    assert isinstance(await verifier.verify(token), Machine)


async def test_a_token_that_was_good_is_refused_once_it_has_expired(bench: Bench) -> None:
    ahead = 0.0
    verifier, token = _with_key(bench, key_named("1"), expires_in=60, clock=lambda: time.time() + ahead)
    assert isinstance(await verifier.verify(token), Machine)
    ahead = 60 + tokens.LEEWAY + 1

    with pytest.raises(NotAuthenticated):
        await verifier.verify(token)


async def test_operators_see_why_tokens_were_refused_and_callers_do_not(bench: Bench) -> None:
    key = key_named("1")
    verifier, good = _with_key(bench, key, expires_in=60)
    unknown = Verifier("http://elsewhere.test", (), bench.pool)
    without_keys = Verifier("http://accounts.test", (), bench.pool)
    person = _token(key, 60, iss="http://accounts.test/people", typ="at+jwt")
    refused: dict[str, tuple[Verifier, str]] = {
        "unreadable": (verifier, "no token"),
        "expired": (verifier, _token(key, -60)),
        "unverified": (verifier, _token(key_named("1"), 60)),
        "wrong_type": (verifier, _token(key, 60, typ="JWT")),
        "incomplete": (verifier, person),
        "unknown_issuer": (unknown, good),
        "keys_unknown": (without_keys, good),
    }
    for reason, (asked, token) in refused.items():
        before = _refused(reason)
        with pytest.raises((NotAuthenticated, KeysUnavailable)):
            await asked.verify(token)
        assert _refused(reason) == before + 1, reason


def _refused(reason: str) -> float:
    return REGISTRY.get_sample_value("mandat_tokens_refused_total", {"reason": reason}) or 0.0


async def test_only_so_many_tokens_are_remembered(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "REMEMBERED", 3)
    key = key_named("1")
    verifier, _ = _with_key(bench, key, expires_in=60)
    for seconds in range(60, 70):
        await verifier.verify(_token(key, seconds))
    assert len(verifier._verified) == 3


JWKS = "http://accounts.test/.well-known/jwks.json"


def _with_key(
    bench: Bench, key: ECKey, expires_in: int, clock: Callable[[], float] = time.time
) -> tuple[Verifier, str]:
    verifier = Verifier("http://accounts.test", (), bench.pool, clock=clock)
    verifier.learn(JWKS, usable_keys({"keys": [key.as_dict(private=False)]}))
    return verifier, _token(key, expires_in)


def _token(key: ECKey, expires_in: int, iss: str = "http://accounts.test/machines", typ: str = "at+jwt") -> str:
    claims: dict[str, Any] = {"iss": iss, "aud": "mandat", "sub": "payroll", "scope": "a b"}
    claims["exp"] = int(time.time()) + expires_in
    return jwt.encode({"alg": "ES256", "kid": key.kid, "typ": typ}, claims, key)


async def first_keys(verifier: Verifier) -> None:
    """Wait for them without bringing a token, which would ask for one fetch more."""
    [keys] = verifier._keys.values()
    await eventually(lambda: keys.usable is not None)


async def test_a_key_nobody_knows_yet_is_fetched_at_once(issuer: Issuer, verifier: Verifier) -> None:
    old, new = key_named("1"), key_named("2")
    issuer.publish(old)
    await first_keys(verifier)
    assert await accepts(verifier, issuer.machine(old))
    issuer.publish(old, new)

    assert not await accepts(verifier, issuer.machine(new))
    await eventually(lambda: accepts(verifier, issuer.machine(new)))


async def test_forged_and_expired_tokens_cause_no_fetches(issuer: Issuer, verifier: Verifier) -> None:
    key = key_named("1")
    issuer.publish(key)
    await first_keys(verifier)
    assert await accepts(verifier, issuer.machine(key))
    fetched = issuer.fetched

    for _ in range(20):
        assert not await accepts(verifier, issuer.machine(key_named("1")))
        await asyncio.sleep(0.005)

    assert issuer.fetched == fetched


@pytest.mark.parametrize("kid", [[], {}, 7, None])
async def test_a_key_is_named_by_whatever_a_stranger_writes_and_the_token_refused(bench: Bench, kid: Any) -> None:
    verifier, good = _with_key(bench, key_named("1"), expires_in=60)
    header = json_b64encode({"alg": "ES256", "typ": "at+jwt", "kid": kid}).decode()
    assert not await accepts(verifier, f"{header}.{good.split('.', 1)[1]}")
    assert await accepts(verifier, good)


@pytest.mark.parametrize("answer", [b"", b"nothing", b"[]", b"{}", b'{"keys": 7}', b'{"keys": [7]}', b"[" * 50_000])
async def test_an_issuer_that_answers_nonsense_costs_nobody_their_keys(
    issuer: Issuer, verifier: Verifier, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_keys, "REFRESH", 0.02)
    key = key_named("1")
    issuer.publish(key)
    await eventually(lambda: accepts(verifier, issuer.machine(key)))
    issuer.answer, fetched = answer, issuer.fetched

    await eventually(lambda: issuer.fetched > fetched + 1)

    assert await accepts(verifier, issuer.machine(key))


async def test_keys_of_other_kinds_in_the_set_are_passed_over(issuer: Issuer, verifier: Verifier) -> None:
    good, rsa = key_named("1"), RSAKey.generate_key(2048, {"kid": "rsa"})
    sealing = key_named("enc")
    issuer.publish(
        {"kty": "post-quantum", "kid": "q"},
        {"kid": "no kty"},
        sealing.as_dict(private=False) | {"use": "enc"},
        good,
        rsa,
    )

    await eventually(lambda: accepts(verifier, issuer.machine(good)))
    assert await accepts(verifier, issuer.machine(rsa, "RS256"))
    assert not await accepts(verifier, issuer.machine(sealing))


async def test_a_secret_key_in_the_set_verifies_nothing(issuer: Issuer, verifier: Verifier) -> None:
    good, secret = key_named("1"), OctKey.generate_key(256, {"kid": "2"})
    issuer.publish(good, secret.as_dict(private=True))

    await eventually(lambda: accepts(verifier, issuer.machine(good)))
    assert not await accepts(verifier, issuer.machine(secret, "HS256"))


async def test_an_agents_issuer_writes_for_its_own_audience_and_names_a_person(bench: Bench) -> None:
    trusted = AgentIssuer(issuer="https://idp.test", jwks_uri="https://idp.test/keys", audience="the portal")
    verifier, key = Verifier("http://accounts.test", (trusted,), bench.pool), key_named("1")
    verifier.learn(trusted.jwks_uri, usable_keys({"keys": [key.as_dict(private=False)]}))
    claims = {"iss": trusted.issuer, "sub": "7", "name": "Anne", "exp": int(time.time()) + 60}

    token = jwt.encode({"alg": "ES256", "kid": "1"}, claims | {"aud": ["other", "the portal"]}, key)
    assert await verifier.verify(token) == Agent("7", "Anne", trusted.issuer)
    token = jwt.encode({"alg": "ES256", "kid": "1"}, claims | {"aud": "mandat"}, key)
    with pytest.raises(NotAuthenticated):
        await verifier.verify(token)
    token = jwt.encode(
        {"alg": "ES256", "kid": "1"}, claims | {"iss": "http://accounts.test/people", "sub": str(uuid4())}, key
    )
    with pytest.raises((NotAuthenticated, KeysUnavailable)):
        await verifier.verify(token)


async def test_a_person_who_has_yet_to_accept_the_terms_is_let_in_by_accounts_alone(bench: Bench) -> None:
    base, key = "http://accounts.test", key_named("1")
    claims = {"iss": f"{base}/people", "sub": str(uuid4()), "sid": str(uuid4()), "epoch": 0, "auth_time": 1}
    claims |= {"aud": "mandat.accounts", "exp": int(time.time()) + 60}
    token = jwt.encode({"alg": "ES256", "kid": "1", "typ": "at+jwt"}, claims, key)
    elsewhere = Verifier(base, (), bench.pool)
    accounts = Verifier(base, (), bench.pool, service="accounts")
    for verifier in (elsewhere, accounts):
        verifier.learn(f"{base}/.well-known/jwks.json", usable_keys({"keys": [key.as_dict(private=False)]}))
    assert isinstance(await accounts.verify(token), Person)
    with pytest.raises(GoodElsewhere):
        await elsewhere.verify(token)
    forged = jwt.encode({"alg": "ES256", "kid": "1", "typ": "at+jwt"}, claims, key_named("1"))
    with pytest.raises(NotAuthenticated) as refused:
        await elsewhere.verify(forged)
    assert not isinstance(refused.value, GoodElsewhere)
