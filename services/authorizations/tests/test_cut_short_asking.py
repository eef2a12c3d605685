"""What workers do about claims, requests and invitations comes to the same wherever they are cut short."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from chassis.work import Unit
from services.authorizations.accounts.handlers import follow_account
from services.authorizations.claims.chores import decide_waiting
from services.authorizations.claims.handlers import follow_claim
from services.authorizations.deciding.chores import (
    erase_persons,
    follow_changes,
    lapse_overdue,
    remind_deciders,
)
from services.authorizations.tests.claiming import Claims, a_person, claims
from services.authorizations.tests.conftest import TEST
from services.authorizations.tests.test_who_acts import unlinks
from services.authorizations.tools import Tools
from tests.fixtures.cutting import cut_everywhere
from tests.fixtures.gateway import OpenService

Step = Callable[[Unit[Tools]], Awaitable[float | None]]
Begin = Callable[[], Awaitable[Claims]]

ASKING = 3


@pytest.fixture
def empty(open_service: OpenService, tmp_path: Path) -> Begin:
    """An employer that nobody manages, in a service of its own."""
    return lambda: claims(open_service, tmp_path)


@pytest.fixture
def asked(empty: Begin) -> Begin:
    """The same with an administrator, whom some ask for access, and who has invited somebody."""

    async def begin() -> Claims:
        world = await empty()
        administrator = await world.administrator()
        for _ in range(ASKING):
            await world.claim(await world.account())
        body = {"email": "ida@example.org", "name": "Ida", "language": "en", "type": "worker"}
        path = f"/v1/organizations/{world.employer_id}/invitations"
        assert (await world.client.post(path, json=body, headers=administrator.headers)).status_code == 201
        return world

    return begin


def until_nothing_is_left(step: Step) -> Callable[[Claims], Awaitable[None]]:
    """A worker that takes a step after another without a rest."""

    async def carry_on(world: Claims) -> None:
        while await step(world.opened.unit) is not None:
            await asyncio.sleep(0)

    return carry_on


async def found(world: Claims) -> Any:
    """What was written, told and noted, without the ids that differ from run to run."""
    pool = world.opened.unit.pool
    queries = (
        "select headers ->> 'ce_type' as what, count(*) from outbox group by 1",
        "select action as what, count(*) from audit group by 1",
        "select kind || state || coalesce(reminded::text, '') as what, count(*) from requests group by 1",
        "select outcome as what, count(*) from claims group by 1",
        "select 'persons' as what, count(*) from personal_fields",
        "select 'tokens' as what, count(*) from request_tokens",
        "select 'contacts' as what, count(*) from contacts",
    )
    return [sorted(map(tuple, await pool.fetch(query)), key=str) for query in queries]


async def test_claims_that_came_before_their_accounts_are_decided_once_wherever_it_is_cut_short(empty: Begin) -> None:
    async def begin() -> Claims:
        world = await empty()
        people = [a_person() for _ in range(ASKING)]
        for person in people:
            await world.opened.unit.run(follow_claim, world.claimed(person.account_id, proven=True), TEST)
        for person in people:
            await world.opened.unit.run(follow_account, person, TEST)
        return world

    assert await cut_everywhere(begin, until_nothing_is_left(decide_waiting), found) >= ASKING


async def test_who_decides_is_reminded_once_wherever_it_is_cut_short(asked: Begin) -> None:
    async def begin() -> Claims:
        world = await asked()
        await world.opened.unit.pool.execute("update requests set lapses_on = $1", world.today)
        return world

    assert await cut_everywhere(begin, until_nothing_is_left(remind_deciders), found) > ASKING


async def test_what_waits_where_nobody_can_act_goes_to_agents_once_wherever_it_is_cut_short(asked: Begin) -> None:
    async def begin() -> Claims:
        world = await asked()
        administrator = await world.opened.unit.pool.fetchval(
            "select account_id from claims where contact_id is not null"
        )
        await unlinks(world, await world.as_contact(administrator), looking=False)
        return world

    assert await cut_everywhere(begin, until_nothing_is_left(follow_changes), found) >= 1


async def test_what_nobody_decided_lapses_once_wherever_it_is_cut_short(asked: Begin) -> None:
    assert await cut_everywhere(_overdue(asked), until_nothing_is_left(lapse_overdue), found) > ASKING


async def test_a_person_of_an_old_request_is_erased_once_wherever_it_is_cut_short(asked: Begin) -> None:
    async def begin() -> Claims:
        world = await _overdue(asked)()
        await until_nothing_is_left(lapse_overdue)(world)
        await world.opened.unit.pool.execute("update requests set settled_at = '2020-01-01Z'")
        return world

    assert await cut_everywhere(begin, until_nothing_is_left(erase_persons), found) >= 1


def _overdue(asked: Begin) -> Begin:
    async def begin() -> Claims:
        world = await asked()
        await world.opened.unit.pool.execute("update requests set lapses_on = '2020-01-01'")
        return world

    return begin
