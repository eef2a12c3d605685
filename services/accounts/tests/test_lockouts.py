"""Nobody keeps somebody else out of their own account: not by guessing, not by asking for mails."""

import httpx
import pytest

from contracts.notifications import NoAccountMail, PasswordResetCodeMail, VerificationCodeMail
from services.accounts.networks.handlers import forget
from services.accounts.tests.conftest import PASSWORD, Accounts

OWNER = "responsable@laforce.example"
WRONG = "ce n’est pas le bon, hélas"
STRANGER_AT, OTHERS_AT = "198.51.100.7", [f"198.51.100.{number}" for number in range(20, 25)]


async def ask(accounts: Accounts, email: str = OWNER) -> httpx.Response:
    return await accounts.post("/v1/password-resets", {"email": email})


async def complete(accounts: Accounts, reset_id: str, code: str) -> httpx.Response:
    body = {"code": code, "new_password": "une tout autre phrase de passe"}
    return await accounts.post(f"/v1/password-resets/{reset_id}/completion", body)


async def attack(accounts: Accounts, host: str) -> None:
    """What one network does in an hour: wrong passwords, resets that nobody wants, and codes guessed at them."""
    async with accounts.elsewhere(host) as stranger:
        for _ in range(12):
            await stranger.sign_in(OWNER, WRONG)
        for _ in range(6):
            reset_id = (await ask(stranger)).json()["reset_id"]
            for number in range(5):
                await complete(stranger, reset_id, f"{number:06}")


async def test_one_network_keeps_nobody_out_who_has_the_password_or_the_mailbox(accounts: Accounts) -> None:
    await accounts.opened(OWNER)
    await attack(accounts, STRANGER_AT)

    async with accounts.elsewhere("192.0.2.80") as on_the_road:
        assert (await on_the_road.sign_in(OWNER)).status_code == 200
        asked = await ask(on_the_road)
        code = await accounts.last_code(PasswordResetCodeMail)
        assert (await complete(on_the_road, asked.json()["reset_id"], code)).status_code == 204
    async with accounts.elsewhere(STRANGER_AT) as stranger:
        refused = await stranger.sign_in(OWNER, WRONG)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0


async def test_where_the_owner_was_let_in_before_no_number_of_networks_keeps_the_owner_out(accounts: Accounts) -> None:
    await accounts.opened(OWNER)
    for host in OTHERS_AT:
        await attack(accounts, host)
    async with accounts.elsewhere("192.0.2.80") as on_the_road:
        assert (await on_the_road.sign_in(OWNER)).status_code == 429

    before = len(await accounts.mailed(PasswordResetCodeMail))
    assert (await accounts.sign_in(OWNER)).status_code == 200
    reset_id = (await ask(accounts)).json()["reset_id"]
    assert len(await accounts.mailed(PasswordResetCodeMail)) == before + 1
    assert (await complete(accounts, reset_id, await accounts.last_code(PasswordResetCodeMail))).status_code == 204


async def test_the_networks_of_one_ipv6_subscriber_have_one_part_and_keep_nobody_out(accounts: Accounts) -> None:
    await accounts.opened(OWNER)
    for number in range(5):
        await attack(accounts, f"2001:db8:0:{number:x}::7")

    async with accounts.elsewhere("2001:db8:1::80") as on_the_road:
        asked = await ask(on_the_road)
        code = await accounts.last_code(PasswordResetCodeMail)
        assert (await on_the_road.sign_in(OWNER)).status_code == 200
        assert (await complete(on_the_road, asked.json()["reset_id"], code)).status_code == 204
    async with accounts.elsewhere("2001:db8:0:9::7") as stranger:
        assert (await stranger.sign_in(OWNER, WRONG)).status_code == 429


async def test_a_neighbour_at_the_owners_provider_spends_nothing_where_the_owner_was_let_in(accounts: Accounts) -> None:
    await accounts.opened(OWNER)
    async with accounts.elsewhere("2001:db8:0:1::1") as at_home:
        assert (await at_home.sign_in(OWNER)).status_code == 200
        await attack(accounts, "2001:db8:0:2::7")
        assert (await at_home.sign_in(OWNER)).status_code == 200


async def test_how_often_a_network_may_try_tells_no_known_address_from_an_unknown_one(accounts: Accounts) -> None:
    await accounts.opened(OWNER)
    answers = [
        [(await accounts.sign_in(login, WRONG)).status_code for _ in range(12)]
        for login in (OWNER, "personne@laforce.example")
    ]
    assert answers == [[401] * 10 + [429] * 2] * 2


async def test_one_network_is_sent_a_part_of_an_addresss_mails_known_or_not(accounts: Accounts) -> None:
    await accounts.opened(OWNER)
    limits = accounts.unit.tools.agency.limits.attempts
    part = limits["password_reset_per_address"].from_one_network
    async with accounts.elsewhere(STRANGER_AT) as stranger:
        for email in (OWNER, "personne@laforce.example"):
            for _ in range(6):
                assert (await ask(stranger, email)).status_code == 202
        for _ in range(6):
            assert (await stranger.register("nouvelle@laforce.example")).status_code == 202
    assert len(await accounts.mailed(PasswordResetCodeMail)) == len(await accounts.mailed(NoAccountMail)) == part
    mailed = [mail for mail, contents in await accounts.mailed(VerificationCodeMail) if contents.address != OWNER]
    assert len(mailed) == limits["registration_per_address"].from_one_network


@pytest.mark.parametrize("years", [0, 1])
async def test_a_network_is_known_for_a_time_and_by_success_alone(accounts: Accounts, years: int) -> None:
    await accounts.opened(OWNER)
    async with accounts.elsewhere(STRANGER_AT) as stranger:
        await stranger.sign_in(OWNER, WRONG)
    assert await accounts.pool.fetchval("select count(*) from known_networks") == 1
    accounts.clock.advance(days=years * 365 + 1)
    await accounts.unit.run(forget, None, accounts.unit.origin.itself)
    assert await accounts.pool.fetchval("select count(*) from known_networks") == 1 - years


async def test_who_is_signed_in_proves_the_password_whatever_strangers_spent(accounts: Accounts) -> None:
    person = await accounts.opened(OWNER)
    for host in OTHERS_AT:
        async with accounts.elsewhere(host) as stranger:
            for _ in range(10):
                await stranger.sign_in(OWNER, WRONG)
    async with accounts.elsewhere("192.0.2.80") as on_the_road:
        closed = await on_the_road.post("/v1/account/deactivation", {"password": PASSWORD}, person.headers)
    assert closed.status_code == 204
