"""The doors by which one comes to an account: for whom each is, and whom another issuer signs in."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from chassis import issuer_keys
from contracts.accounts import AccountOpened, Person
from contracts.agency.profile import TokenIssuer
from contracts.notifications import NoAccountMail, PasswordResetCodeMail
from services.accounts.doors.issuers import digest
from services.accounts.tests.conftest import Accounts, signed
from tests.fixtures.patience import PATIENCE

RESERVED = "reserved_access"


@dataclass
class Partners:
    """An issuer of ID tokens that serves its keys, and the door that names it."""

    accounts: Accounts
    issuer: TokenIssuer
    key: ECKey

    def id_token(self, key: ECKey | None = None, typ: str = "JWT", **claims: Any) -> str:
        now = int(time.time())
        said = {
            "iss": self.issuer.issuer, "aud": self.issuer.audience, "sub": "partner-7", "iat": now, "exp": now + 300,
            "email": "partenaire@example.org", "email_verified": True, "given_name": "Démo",
            "family_name": "Partenaire", "locale": "fr-CA", "jti": str(time.time_ns()),
        }  # fmt: skip
        header = {"alg": "ES256", "kid": self.key.kid, "typ": typ}
        return jwt.encode(header, {**said, **claims}, key or self.key)

    async def exchange(self, token: str, door: str = RESERVED, **body: Any) -> httpx.Response:
        return await self.accounts.post(f"/v1/doors/{door}/sessions", {"id_token": token, **body})


@pytest.fixture
async def partners(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Partners]:
    """The agency with an issuer at its second door."""
    monkeypatch.setattr(issuer_keys, "FETCH", PATIENCE)
    key = ECKey.generate_key("P-256", {"kid": "partners"})
    body = json.dumps(KeySet([key]).as_dict(private=False)).encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        at = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        issuer = TokenIssuer(issuer=at, jwks_uri=f"{at}/jwks", audience="the portal")
        known = accounts.unit.tools.agency.doors
        door = known[RESERVED].model_copy(update={"issuer": issuer})
        accounts.agency(doors=MappingProxyType({**known, RESERVED: door}))
        yield Partners(accounts, issuer, key)


async def test_the_notice_shows_every_door_with_for_whom_it_is_in_both_languages(accounts: Accounts) -> None:
    for language, name, for_whom in (
        ("fr", "Accès réservé", "Cet accès est réservé aux partenaires"),
        ("en", "Reserved access", "This access is reserved for partners"),
    ):
        notice = (await accounts.client.get("/v1/registration-notice", headers={"Accept-Language": language})).json()
        first, second = notice["doors"]
        assert (first["code"], first["for_whom"]) == ("clients", notice["for_whom"])
        assert (second["code"], second["name"], second["issuer"]) == (RESERVED, name, None)
        assert second["for_whom"].startswith(for_whom)


async def test_a_registration_names_its_door_and_the_account_keeps_it(accounts: Accounts) -> None:
    partner, client = await accounts.opened("a@example.org", door=RESERVED), await accounts.opened("b@example.org")
    states = {state.account_id: state.door for state in await accounts.events(Person)}
    assert states == {partner.account_id: RESERVED, client.account_id: None}
    shown = [
        (await accounts.client.get("/v1/account", headers=one.headers)).json()["door"] for one in (partner, client)
    ]
    assert shown == [RESERVED, "clients"]


async def test_a_door_that_is_none_of_the_agencys_is_refused(accounts: Accounts) -> None:
    refused = await accounts.register(door="backdoor")
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_door")


async def test_who_comes_by_a_door_with_an_issuer_does_not_register(partners: Partners) -> None:
    notice = (await partners.accounts.client.get("/v1/registration-notice")).json()
    assert [door["issuer"] for door in notice["doors"]] == [None, partners.issuer.issuer]
    refused = await partners.accounts.register(door=RESERVED)
    assert (refused.status_code, refused.json()["code"]) == (422, "door_has_issuer")
    assert partners.issuer.issuer in refused.json()["detail"]


async def test_an_id_token_opens_the_account_once_and_signs_in_ever_after(partners: Partners) -> None:
    accounts = partners.accounts
    first = await partners.exchange(partners.id_token(), terms_version="2026-01")
    assert first.status_code == 200, first.text
    person = signed(first)
    own = (await accounts.client.get("/v1/account", headers=person.headers)).json()
    assert (own["email"], own["family_name"], own["language"]) == ("partenaire@example.org", "Partenaire", "fr")
    assert own["door"] == RESERVED
    again = signed(await partners.exchange(partners.id_token()))
    assert again.account_id == person.account_id
    assert len(await accounts.events(AccountOpened)) == 1
    [state] = await accounts.events(Person)
    assert (state.account_id, state.door) == (person.account_id, RESERVED)


async def test_nobody_gets_in_with_a_token_that_is_not_for_us_fresh_signed_and_unused(partners: Partners) -> None:
    now, other = int(time.time()), ECKey.generate_key("P-256", {"kid": "partners"})
    used = partners.id_token()
    assert (await partners.exchange(used, terms_version="2026-01")).status_code == 200
    for wrong in (
        used, "no.token.atall", partners.id_token(other), partners.id_token(aud="another portal"),
        partners.id_token(iss="https://elsewhere.example"), partners.id_token(exp=now - 60),
        partners.id_token(iat=now - 600), partners.id_token(email_verified=False), partners.id_token(given_name=""),
        partners.id_token(typ="at+jwt"), partners.id_token(sub=None),
    ):  # fmt: skip
        refused = await partners.exchange(wrong, terms_version="2026-01")
        assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_refused")


async def test_the_first_time_the_terms_are_accepted(partners: Partners) -> None:
    token = partners.id_token()
    for version in (None, "1999-01"):
        refused = await partners.exchange(token, terms_version=version)
        assert (refused.status_code, refused.json()["code"]) == (422, "terms_not_current")
    assert await partners.accounts.events(AccountOpened) == []
    assert (await partners.exchange(token, terms_version="2026-01")).status_code == 200


async def test_an_address_that_an_account_has_opens_no_second_one(partners: Partners) -> None:
    await partners.accounts.opened("partenaire@example.org")
    refused = await partners.exchange(partners.id_token(), terms_version="2026-01")
    assert (refused.status_code, refused.json()["code"]) == (409, "address_of_another_account")


async def test_two_first_sign_ins_at_once_open_one_account(partners: Partners) -> None:
    answers = await asyncio.gather(*(partners.exchange(partners.id_token(), terms_version="2026-01") for _ in range(2)))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({answer.json()["account_id"] for answer in answers}) == 1


async def test_a_first_sign_in_that_another_one_overtakes_is_of_the_account_that_one_opened(partners: Partners) -> None:
    slow, quick, pool = partners.id_token(), partners.id_token(), partners.accounts.unit.pool
    waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    async with pool.acquire() as connection:
        held = connection.transaction()
        await held.start()
        spent = "insert into spent_id_tokens (digest, expires_at) values ($1, now())"
        await connection.execute(spent, digest(slow))  # so that it stops after it found no account
        overtaken = asyncio.ensure_future(partners.exchange(slow, terms_version="2026-01"))
        async with asyncio.timeout(PATIENCE):
            while not await pool.fetchval(waits):
                await asyncio.sleep(0.01)
        first = await partners.exchange(quick, terms_version="2026-01")
        await held.rollback()
    assert (first.status_code, (await overtaken).status_code) == (200, 200)
    assert (await overtaken).json()["account_id"] == first.json()["account_id"]


async def test_a_door_without_an_issuer_takes_no_token(partners: Partners) -> None:
    for door in ("clients", "backdoor"):
        refused = await partners.exchange(partners.id_token(), door, terms_version="2026-01")
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


async def test_whom_an_issuer_signs_in_gets_no_password_of_ours(partners: Partners) -> None:
    accounts = partners.accounts
    await partners.exchange(partners.id_token(), terms_version="2026-01")
    await accounts.post("/v1/password-resets", {"email": "partenaire@example.org"})
    assert len(await accounts.events(NoAccountMail)) == 1
    assert await accounts.events(PasswordResetCodeMail) == []


async def test_who_let_an_account_lapse_opens_another_one(partners: Partners) -> None:
    accounts = partners.accounts
    first = signed(await partners.exchange(partners.id_token(), terms_version="2026-01"))
    await accounts.pool.execute("update people set opened = false")
    await accounts.pool.execute(
        "update accounts set status = 'deactivated', deactivated_because = 'never_linked', unlinked_since = null"
    )
    asked = await partners.exchange(partners.id_token())
    assert (asked.status_code, asked.json()["code"]) == (422, "terms_not_current")
    second = signed(await partners.exchange(partners.id_token(), terms_version="2026-01"))
    assert second.account_id != first.account_id
    assert signed(await partners.exchange(partners.id_token())).account_id == second.account_id


async def test_an_account_that_an_agent_closed_stays_closed_to_its_issuer(partners: Partners) -> None:
    accounts = partners.accounts
    person = signed(await partners.exchange(partners.id_token(), terms_version="2026-01"))
    path = f"/v1/accounts/{person.account_id}/deactivation"
    closed = await accounts.post(path, {"reason": "compromised"}, accounts.agent)
    assert closed.status_code == 200, closed.text
    assert (await partners.exchange(partners.id_token())).json()["code"] == "sign_in_refused"


async def test_a_slow_issuer_keeps_nobody_out_who_comes_by_another(partners: Partners) -> None:
    silent = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        at = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        slow = TokenIssuer(issuer=at, jwks_uri=f"{at}/jwks", audience="the portal")
        issuers = partners.accounts.unit.tools.issuers
        waiting = asyncio.create_task(issuers.claims(slow, partners.id_token(iss=at)))
        await asyncio.sleep(0)
        quick = asyncio.create_task(issuers.claims(partners.issuer, partners.id_token()))
        done, _ = await asyncio.wait([waiting, quick], return_when=asyncio.FIRST_COMPLETED)
        silent.set()
        assert done == {quick}
        assert await quick is not None
        assert await waiting is None


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (NIST SP 800-186, 3.2.1.3)


def twins(token: str) -> list[str]:
    """The same ID token in other letters: whoever saw it can write it so, and its signature holds."""
    signed_text, _, signature = token.rpartition(".")
    content = base64.urlsafe_b64decode(signature + "==")
    other_half = (ORDER - int.from_bytes(content[32:])).to_bytes(32)
    negated = base64.urlsafe_b64encode(content[:32] + other_half).decode().rstrip("=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    unused_bits = signature[:-1] + alphabet[alphabet.index(signature[-1]) ^ 1]
    return [f"{signed_text}.{negated}", f"{signed_text}.{unused_bits}", f"{token}=", f" {token}", f"{token}\n"]


async def test_an_id_token_that_was_used_signs_nobody_in_in_other_letters(partners: Partners) -> None:
    token = partners.id_token()
    assert (await partners.exchange(token, terms_version="2026-01")).status_code == 200
    answers = [(await partners.exchange(twin)).status_code for twin in [token, *twins(token)]]
    assert answers == [401] * 6


@pytest.mark.parametrize(
    "said",
    [
        {"given_name": "Gagnez https://exemple.example"},
        {"family_name": "exemple.example"},
        {"given_name": "Démo\r\nBcc: x"},
        {"given_name": "Démo\x00"},
        {"family_name": "\u202eomeD"},
        {"email": "not an address"},
        {"email": "a@example.org\r\nBcc: b@example.org"},
        {"email": "a\x00@example.org"},
        {"sub": "partner\x007"},
        {"sub": "p" * 256},
    ],
)
async def test_what_no_form_of_ours_would_take_as_a_name_or_address_no_issuer_brings_in(
    partners: Partners, said: dict[str, Any]
) -> None:
    refused = await partners.exchange(partners.id_token(**said), terms_version="2026-01")
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_refused")
    assert await partners.accounts.events(AccountOpened) == []
