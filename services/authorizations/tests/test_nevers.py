"""What must never happen, where rights meet dates and people meet each other. docs/guides/ccq.md lists the others."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.authorizations.statuses import set_status
from services.authorizations.tests.asking import Sides, sides
from services.authorizations.tests.conftest import NOT_DELEGABLE, Firm, Someone
from services.authorizations.tests.special_days import AUTUMN, DAY, LEAP_DAY, SPRING
from tests.fixtures.patience import PATIENCE


@pytest.fixture
async def two(firm: Firm, tmp_path: Path) -> Sides:
    return await sides(firm, tmp_path)


def _today(firm: Firm) -> date:
    found: date = firm.opened.tools.moment(datetime.now(UTC)).day
    return found


async def _may(firm: Firm, member: Someone, organization_id: UUID, at: str, subject: str = "profile") -> bool:
    return bool((await firm.check(member.account_id, subject, organization_id, "read", at=at))["decision"])


async def _delegated(firm: Firm, client_id: UUID, **dates: str) -> tuple[Someone, str]:
    """A member to whom a client was delegated, and the delegation's id."""
    member = await firm.member()
    made = await firm.delegate(member.contact_id, client_id, **dates)
    assert made.status_code == 201, made.text
    return member, str(made.json()["relation_id"])


# Wider than held, and what cannot be delegated


async def test_a_delegation_never_outlives_what_it_hangs_on(two: Sides) -> None:
    last = _today(two.firm) + timedelta(days=5)
    assert (await two.grant(ends_on=last.isoformat())).status_code == 201
    member, _ = await _delegated(two.firm, two.employer_id)  # without an end of its own
    assert await _may(two.firm, member, two.employer_id, f"{last}T17:00:00Z")
    assert not await _may(two.firm, member, two.employer_id, f"{last + timedelta(days=1)}T17:00:00Z")


async def test_what_a_firm_holds_from_a_later_day_is_delegated_to_nobody_before(two: Sides) -> None:
    first = _today(two.firm) + timedelta(days=5)
    assert (await two.grant(starts_on=first.isoformat())).status_code == 201
    member = await two.firm.member()
    early = await two.firm.delegate(member.contact_id, two.employer_id)
    assert (early.status_code, early.json()["code"]) == (422, "no_relation_to_delegate")
    later = await two.firm.delegate(member.contact_id, two.employer_id, starts_on=first.isoformat())
    assert later.status_code == 201
    assert not await _may(two.firm, member, two.employer_id, f"{first - timedelta(days=1)}T17:00:00Z")
    assert await _may(two.firm, member, two.employer_id, f"{first}T17:00:00Z")


@pytest.mark.parametrize("subject", sorted(NOT_DELEGABLE))
async def test_what_cannot_be_delegated_is_not_even_read(firm: Firm, subject: str) -> None:
    client_id = next(iter(firm.clients.values()))
    member, _ = await _delegated(firm, client_id)  # of all that the firm holds, these three among it
    for level in ("read", "write"):
        assert not (await firm.check(member.account_id, subject, client_id, level))["decision"]


# Those who manage


async def test_a_successor_who_begins_tomorrow_does_not_let_the_last_manager_go_today(firm: Firm) -> None:
    tomorrow = _today(firm) + timedelta(days=1)
    added = await firm.add_member(type="responsible_person", starts_on=tomorrow.isoformat())
    assert added.status_code == 201
    refused = await firm.remove(firm.responsible.contact_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "last_manager")


async def test_a_successor_who_has_ended_does_not_count(firm: Firm) -> None:
    second = UUID((await firm.add_member(type="administrator")).json()["contact_id"])
    assert (await firm.remove(second)).status_code == 200
    refused = await firm.remove(firm.responsible.contact_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "last_manager")


async def test_a_manager_removed_while_adding_a_member_adds_nobody(firm: Firm) -> None:
    count = "select count(*) from contacts"
    before = await firm.opened.unit.pool.fetchval(count)
    refused = await _removed_meanwhile(firm, firm.firm_id, firm.add_member)
    assert (refused.status_code, refused.json()["code"]) == (403, "profile_not_yours")
    assert await firm.opened.unit.pool.fetchval(count) == before


async def test_a_manager_removed_while_delegating_delegates_nothing(firm: Firm) -> None:
    client_id, member = next(iter(firm.clients.values())), await firm.member()
    through, ticked = await firm.through(client_id), await firm.attestations("addition")
    body = {"organization_id": str(client_id), "through": through, "subjects": "all", "attestations": ticked}
    path = f"/v1/contacts/{member.contact_id}/relations"

    def delegate() -> Awaitable[httpx.Response]:
        return firm.client.post(path, json=body, headers=firm.responsible.headers)

    refused = await _removed_meanwhile(firm, client_id, delegate)
    assert (refused.status_code, refused.json()["code"]) == (403, "profile_not_yours")
    assert not (await firm.check(member.account_id, "profile", client_id, "read"))["decision"]


async def test_a_manager_whose_account_is_blocked_while_approving_approves_nothing(two: Sides) -> None:
    request_id, manager = await two.proposed(), two.employer
    etag = (await two.show(request_id, manager.headers)).headers["etag"]
    async with two.firm.opened.unit.pool.acquire() as connection, connection.transaction():
        await connection.execute("select from organizations where organization_id = $1 for update", two.employer_id)
        deciding = asyncio.create_task(two.decide(request_id, manager.headers, etag=etag))
        await _until_waiting_for_a_lock(two.firm)
        now = datetime.now(UTC)
        await set_status(connection, manager.account_id, False, now, now)
    refused = await deciding
    assert (refused.status_code, refused.json()["code"]) == (403, "profile_not_yours")
    shown = (await two.show(request_id, two.firm.responsible.headers)).json()
    assert (shown["state"], shown["outcome"]) == ("submitted", None)


async def _removed_meanwhile(firm: Firm, locked: UUID, act: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """What the responsible person's act is answered, when it waits for a lock while that person is removed."""
    async with firm.opened.unit.pool.acquire() as connection, connection.transaction():
        await connection.execute("select from organizations where organization_id = $1 for update", locked)
        acting = asyncio.ensure_future(act())
        await _until_waiting_for_a_lock(firm)
        await connection.execute(
            "update relations set ended_at = clock_timestamp() where holder_id = $1", firm.responsible.contact_id
        )
    return await acting


async def _until_waiting_for_a_lock(firm: Firm) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await firm.opened.unit.pool.fetchval(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        ):
            await asyncio.sleep(0.01)


# Days that are special


async def test_what_a_firm_may_until_today_its_member_may_until_midnight(two: Sides) -> None:
    today = _today(two.firm)
    tomorrow = today + timedelta(days=1)
    assert (await two.grant(ends_on=today.isoformat())).status_code == 201
    member, _ = await _delegated(two.firm, two.employer_id)
    midnight = datetime.fromisoformat(f"{tomorrow}T00:00:00").replace(tzinfo=two.firm.opened.tools.agency.profile.zone)
    assert await _may(two.firm, member, two.employer_id, (midnight - timedelta(seconds=1)).isoformat())
    assert not await _may(two.firm, member, two.employer_id, midnight.isoformat())


async def test_a_delegation_withdrawn_on_the_day_it_began_and_made_again_is_another_one(firm: Firm) -> None:
    client_id = next(iter(firm.clients.values()))
    member, first = await _delegated(firm, client_id)
    assert (await firm.remove(member.contact_id, scope="relations", relations=[first])).status_code == 200
    assert not (await firm.check(member.account_id, "profile", client_id, "read"))["decision"]

    second = await firm.delegate(
        member.contact_id, client_id, subjects=[{"subject": "monthly_report", "level": "read"}]
    )

    assert second.status_code == 201 and second.json()["relation_id"] != first
    assert (await firm.check(member.account_id, "monthly_report", client_id, "read"))["decision"]
    assert not (await firm.check(member.account_id, "profile", client_id, "read"))["decision"]  # of the first one
    again = await firm.remove(member.contact_id, scope="relations", relations=[first])
    assert again.json()["code"] == "nothing_to_remove"
    assert (await firm.check(member.account_id, "monthly_report", client_id, "read"))["decision"]


@pytest.mark.parametrize(
    ("day", "first_second", "after"),
    [
        (LEAP_DAY, f"{LEAP_DAY}T05:00:00Z", f"{LEAP_DAY + DAY}T05:00:00Z"),
        (SPRING, f"{SPRING}T05:00:00Z", f"{SPRING + DAY}T04:00:00Z"),
        (AUTUMN, f"{AUTUMN}T04:00:00Z", f"{AUTUMN + DAY}T05:00:00Z"),
    ],
)
async def test_a_delegation_of_one_day_holds_from_midnight_to_midnight_in_montreal(
    firm: Firm, day: date, first_second: str, after: str
) -> None:
    client_id = next(iter(firm.clients.values()))
    member, _ = await _delegated(firm, client_id, starts_on=day.isoformat(), ends_on=day.isoformat())
    start, end = datetime.fromisoformat(first_second), datetime.fromisoformat(after)
    second = timedelta(seconds=1)
    expected = {start - second: False, start: True, end - second: True, end: False}
    found = {at: await _may(firm, member, client_id, at.isoformat()) for at in expected}
    assert found == expected


@pytest.mark.parametrize("at", [f"{SPRING}T02:30:00-05:00", f"{AUTUMN}T01:30:00-04:00", f"{AUTUMN}T01:30:00-05:00"])
async def test_an_hour_that_is_skipped_or_comes_twice_interrupts_nothing(firm: Firm, at: str) -> None:
    client_id = next(iter(firm.clients.values()))
    day = at[:10]
    member, _ = await _delegated(firm, client_id, starts_on=day, ends_on=day)
    assert await _may(firm, member, client_id, at)


@pytest.mark.parametrize("dates", [{"starts_on": "2027-02-29"}, {"ends_on": "2027-02-29"}])
async def test_a_29_february_of_a_year_that_has_none_is_refused(firm: Firm, dates: dict[str, Any]) -> None:
    member = await firm.member()
    refused = await firm.delegate(member.contact_id, next(iter(firm.clients.values())), **dates)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
