"""The published keys, and tokens for other systems."""

import asyncio
import base64
import json
from hashlib import sha256
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
from joserfc.errors import DecodeError

from chassis.keys import generate as generate_keyring
from chassis.tokens import Machine
from chassis.work import Actor
from services.accounts.settings import MachineClient
from services.accounts.tests.conftest import MACHINE, MACHINE_SECRET, Accounts
from services.accounts.tokens import domain, signing, storage
from services.accounts.tokens.handlers import KeyStays, RetireKey, add_key, retire_key
from services.accounts.tokens.rotating import LONGEST_LIFE, PUBLISHED_BEFORE, Standing

MACHINES = (MACHINE,)
OPERATOR = Actor("operator", "marie")
GRANT = {"grant_type": "client_credentials"}
POSTED = GRANT | {"client_id": "payroll", "client_secret": MACHINE_SECRET}


def basic(client_id: str, secret: str) -> str:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


async def ask(accounts: Accounts, form: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
    return await accounts.client.post("/oauth2/token", data=form, headers=headers or {})


async def test_the_published_keys_are_public_and_cacheable(accounts: Accounts) -> None:
    answer = await accounts.client.get("/.well-known/jwks.json")
    [key] = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert answer.headers.get_list("cache-control") == ["public, max-age=300"]


async def test_processes_that_start_together_make_one_key(accounts: Accounts) -> None:
    await accounts.pool.execute("truncate signing_keys")
    keyring, now = accounts.unit.tools.keyring, accounts.clock()
    await asyncio.gather(*[storage.insert_first(accounts.pool, signing.generate(keyring), now) for _ in range(8)])
    assert await accounts.pool.fetchval("select count(*) from signing_keys") == 1


def signed_with(token: str) -> str:
    header = json.loads(base64.urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "=="))
    return str(header["kid"])


async def published(accounts: Accounts) -> list[str]:
    return [key["kid"] for key in (await accounts.client.get("/.well-known/jwks.json")).json()["keys"]]


async def add(accounts: Accounts, *, at_once: bool = False) -> Standing:
    return (await accounts.unit.run(add_key, at_once, OPERATOR)).outcome


async def retire(accounts: Accounts, kid: str, *, known_by_others: bool = False) -> None:
    await accounts.unit.run(retire_key, RetireKey(kid, known_by_others), OPERATOR)


async def test_a_newer_key_is_published_before_it_signs_and_the_older_one_still_verifies(accounts: Accounts) -> None:
    before = await accounts.opened()
    [first] = await published(accounts)
    added = await add(accounts)
    assert await published(accounts) == [added.kid, first]
    assert signed_with((await accounts.sign_in()).json()["access_token"]) == first

    accounts.clock.advance(seconds=PUBLISHED_BEFORE.total_seconds())
    assert signed_with((await accounts.sign_in()).json()["access_token"]) == added.kid
    assert await published(accounts) == [added.kid, first]
    assert (await accounts.client.get("/v1/account", headers=before.headers)).status_code == 200


async def test_one_key_at_a_time_waits_to_sign(accounts: Accounts) -> None:
    added = await add(accounts)
    with pytest.raises(KeyStays, match=f"{added.kid} is published, and signs from"):
        await add(accounts)
    assert len(await published(accounts)) == 2


async def test_a_key_goes_once_nothing_that_it_signed_counts(accounts: Accounts) -> None:
    [first] = await published(accounts)
    with pytest.raises(KeyStays, match="signs, or will"):
        await retire(accounts, first)
    added = await add(accounts)
    for kid in (first, added.kid):
        with pytest.raises(KeyStays, match="signs, or will"):
            await retire(accounts, kid)
    seconds = (PUBLISHED_BEFORE + LONGEST_LIFE).total_seconds()
    accounts.clock.advance(seconds=seconds - 30)
    with pytest.raises(KeyStays, match="counts until"):
        await retire(accounts, first)
    accounts.clock.advance(seconds=30)
    await retire(accounts, first)
    assert await published(accounts) == [added.kid]
    with pytest.raises(KeyStays, match="there is no key"):
        await retire(accounts, first)


async def test_a_key_that_others_have_is_replaced_and_gone_at_once(accounts: Accounts) -> None:
    [first] = await published(accounts)
    added = await add(accounts, at_once=True)
    await retire(accounts, first, known_by_others=True)
    assert await published(accounts) == [added.kid]
    actions = [row["action"] for row in await accounts.pool.fetch("select action from audit order by id")]
    assert actions[-2:] == ["signing_key_added", "signing_key_retired"]


async def test_a_clock_that_is_behind_the_first_keys_maker_finds_the_key(accounts: Accounts) -> None:
    await accounts.opened()
    accounts.clock.advance(hours=-2)
    assert (await accounts.sign_in()).status_code == 200


async def test_a_private_key_rests_encrypted(accounts: Accounts) -> None:
    row = await accounts.pool.fetchrow("select kid, public_jwk, private_jwk from signing_keys")
    assert row is not None
    assert "d" not in row["public_jwk"]
    assert '"d"' not in row["private_jwk"]
    stranger = signing.Signer("http://elsewhere.test", generate_keyring("accounts"))
    with pytest.raises(DecodeError):
        stranger.for_machine(signing.SigningKey(**row), "payroll", (), accounts.clock(), accounts.unit.origin.new_id())


@pytest.mark.parametrize(
    ("form", "headers"), [(POSTED, {}), (GRANT, {"Authorization": basic("payroll", MACHINE_SECRET)})]
)
async def test_a_listed_system_gets_a_token(accounts: Accounts, form: dict[str, str], headers: dict[str, str]) -> None:
    answer = await ask(accounts, form, headers)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 300)
    assert answer.headers["cache-control"] == "no-store"
    caller = await accounts.verifier.verify(answer.json()["access_token"])
    assert caller == Machine("payroll", frozenset({"access:check", "access:search"}))


def test_a_system_has_two_secrets_while_one_takes_the_others_place() -> None:
    newer = MachineClient(client_id="payroll", secret_digest=sha256(b"newer").hexdigest(), scopes=("access:check",))
    for secret, machine in ((MACHINE_SECRET, MACHINE), ("newer", newer)):
        assert domain.authenticated((MACHINE, newer), domain.Credentials("payroll", secret)) == machine
    with pytest.raises(domain.OAuthError):
        domain.authenticated((newer,), domain.Credentials("payroll", MACHINE_SECRET))


async def test_a_system_may_ask_for_less(accounts: Accounts) -> None:
    answer = await ask(accounts, POSTED | {"scope": "access:check"})
    assert answer.json()["scope"] == "access:check"
    caller = await accounts.verifier.verify(answer.json()["access_token"])
    assert caller == Machine("payroll", frozenset({"access:check"}))


@pytest.mark.parametrize(
    ("form", "authorization", "error"),
    [
        (POSTED | {"client_secret": "wrong"}, None, "invalid_client"),
        (POSTED | {"client_id": "nobody"}, None, "invalid_client"),
        (GRANT, None, "invalid_client"),
        (GRANT, basic("payroll", "wrong"), "invalid_client"),
        (GRANT, "Basic %%%", "invalid_client"),
        (GRANT, "Bearer abc", "invalid_client"),
        (POSTED, basic("payroll", MACHINE_SECRET), "invalid_request"),
        (POSTED | {"grant_type": "password"}, None, "unsupported_grant_type"),
        ({"client_id": "payroll", "client_secret": MACHINE_SECRET}, None, "invalid_request"),
        (POSTED | {"scope": "access:check everything"}, None, "invalid_scope"),
    ],
)
def test_what_is_wrong_with_a_request_has_oauths_code(
    form: dict[str, str], authorization: str | None, error: str
) -> None:
    with pytest.raises(domain.OAuthError) as raised:
        domain.granted(domain.authenticated(MACHINES, domain.credentials(authorization, form)), form)
    assert raised.value.code == error


def test_a_parameter_that_stands_twice_is_refused() -> None:
    with pytest.raises(domain.OAuthError) as raised:
        domain.read_form(b"grant_type=client_credentials&grant_type=client_credentials")
    assert raised.value.code == "invalid_request"


async def test_errors_have_oauths_shape(accounts: Accounts) -> None:
    refused = await ask(accounts, POSTED | {"client_secret": "wrong"})
    unsupported = await ask(accounts, POSTED | {"grant_type": "password"})
    assert [refused.status_code, unsupported.status_code] == [401, 400]
    assert set(refused.json()) == set(unsupported.json()) == {"error", "error_description"}
    assert refused.headers["www-authenticate"] == 'Basic realm="mandat"'
    assert MACHINE_SECRET not in refused.text + unsupported.text


async def test_a_body_that_is_no_form_is_an_oauth_error(accounts: Accounts) -> None:
    json_body = await accounts.client.post("/oauth2/token", json=POSTED)
    binary = await accounts.client.post(
        "/oauth2/token", content=b"\xff\xfe", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert [(a.status_code, a.json()["error"]) for a in (json_body, binary)] == [(400, "invalid_request")] * 2


async def test_a_systems_token_opens_no_persons_path(accounts: Accounts) -> None:
    token = (await ask(accounts, POSTED)).json()["access_token"]
    answer = await accounts.client.get("/v1/account", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_kind_of_caller")
