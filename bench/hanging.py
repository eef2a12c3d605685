"""A removal that takes 10,000 delegations with it: the rows it writes, and from its commit to the last yes and no."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from bench.callers import Answer, Target, ask
from bench.check import questions
from bench.measuring import SHOWN, commits, own_stack, say, spread, table
from bench.people import CLIENT_NUMBER, DELEGATED, Cast, gather_cast, import_members
from local.journeys.playing import form, ticked
from local.journeys.portal import Someone
from local.stack import Stack

DELEGATIONS = 10_000  # of each member, besides the one of the demo client
MEMBERS = 5  # removed one after another
CALLERS = 16
BEFORE = 0.5  # seconds of checks until a removal is asked for
YES = b'"decision":true'
AIM = "aim: a few rows"

# Clients of the firm, each like the demo client: $1 how many, $2 the demo client's number.
CLIENTS = """
with model as (
    select r.*, o.kind from relations r join organizations o using (organization_id)
    where r.holder_kind = 'organization' and o.number = $2
), made as (
    insert into organizations (organization_id, kind, number)
    select gen_random_uuid(), (select kind from model), (7000000 + n)::text from generate_series(1, $1::int) n
    returning organization_id, number
), named as (
    insert into personal_fields (owner_id, legal_name, email, language)
    select organization_id, 'CLIENT ' || number, 'client-' || number || '@organisation.example', 'fr' from made
), active as (
    insert into statuses (owner_id, active, during, recorded)
    select organization_id, true, tstzrange(now() - interval '1 year', null), tstzrange(now() - interval '1 year', null)
    from made
), represented as (
    insert into relations (relation_id, version, holder_kind, holder_id, holder_organization_id, organization_id, type,
        valid, recorded)
    select gen_random_uuid(), 1, m.holder_kind, m.holder_id, m.holder_organization_id, made.organization_id, m.type,
        m.valid, m.recorded
    from made, model m returning relation_id
)
insert into rights (right_id, version, relation_id, subject, level, valid, granted_by, recorded)
select gen_random_uuid(), 1, represented.relation_id, h.subject, h.level, h.valid, h.granted_by, h.recorded
from represented, rights h where h.relation_id = (select relation_id from model)
"""

# Everything of each of them to a member: $1 the contact.
DELEGATED_TO = """
insert into relations (relation_id, version, holder_kind, holder_id, holder_organization_id, organization_id, type,
    valid, through, membership, all_rights, recorded)
select gen_random_uuid(), 1, 'contact', m.holder_id, m.organization_id, t.organization_id, 'delegation', t.valid,
    t.relation_id, m.relation_id, true, tstzrange(now(), null)
from relations m join relations t on t.holder_id = m.organization_id
join organizations o on o.organization_id = t.organization_id and o.number like '70%'
where m.holder_id = $1 and m.through is null and t.through is null
"""

TABLES = """
select c.oid::regclass::text from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
"""


@dataclass(frozen=True)
class Removed:
    """One removal: seconds on the machine's clock, checks during it, one of each delegation after it, rows it wrote.

    `previewed` is how many seconds a page of its preview took.
    """

    previewed: float
    asked_at: float
    committed_at: float
    answered_at: float
    during: Sequence[Answer]
    after: Sequence[Answer]
    rows: dict[str, int]

    @property
    def wrong(self) -> int:
        """Yeses to questions that were asked after the removal was answered."""
        return sum(YES in a.content and a.asked_at > self.answered_at for a in (*self.during, *self.after))

    @property
    def under_way(self) -> list[Answer]:
        """Those that waited while the removal was decided, committed and answered."""
        return [a for a in self.during if a.answered_at > self.asked_at and a.asked_at < self.answered_at]

    @property
    def last_yes(self) -> float:
        """When the last yes was answered."""
        return max(answer.answered_at for answer in self.during if YES in answer.content)


def run(small: bool) -> None:
    """Measure, and print one table."""
    delegations = DELEGATIONS // 10 if small else DELEGATIONS
    with own_stack() as stack:
        import_members(stack, MEMBERS)
        asyncio.run(_measure(stack, delegations))


async def _measure(stack: Stack, delegations: int) -> None:
    connection = await asyncpg.connect(stack.postgres.url("authorizations"))
    try:
        async with httpx.AsyncClient(timeout=120) as http:
            cast = await gather_cast(stack, http, MEMBERS)
            await connection.execute(CLIENTS, delegations, CLIENT_NUMBER)
            for member in cast.members:
                await connection.execute(DELEGATED_TO, UUID(member.profile))
            await connection.execute("analyze organizations, statuses, relations, rights, bindings")
            body = {"scope": "all", "attestations": ticked(await form(cast.journey, cast.manager, "removal"))}
            _tell([await _remove(stack, connection, cast, member, body) for member in cast.members], delegations)
    finally:
        await connection.close()


async def _remove(stack: Stack, connection: Any, cast: Cast, member: Someone, body: dict[str, Any]) -> Removed:
    """Remove one member while 16 callers ask about all that it may do; then ask about each delegation once."""
    clients = await connection.fetch(
        "select organization_id from relations where holder_id = $1 and through is not null", UUID(member.profile)
    )
    target = questions(stack.ports.gateway("authorizations"), cast, [_question(member, row[0]) for row in clients])
    anything = Target(target.port, target.requests)
    ask(target, CALLERS, lambda number: number >= len(clients))  # each is a yes before, or this raises
    path = f"/v1/contacts/{member.profile}/removals"
    previewing_at = time.time()
    preview = body | {"preview": True}
    await cast.journey.portal.call(cast.manager, "authorizations", "POST", path, json=preview, expect=200)
    previewed = time.time() - previewing_at
    over = Event()
    asking = asyncio.create_task(asyncio.to_thread(ask, anything, CALLERS, lambda _: over.is_set()))
    await asyncio.sleep(BEFORE)
    asked_at = time.time()
    await cast.journey.portal.call(cast.manager, "authorizations", "POST", path, json=body, expect=200)
    answered_at = time.time()
    over.set()
    during = await asking
    after = await asyncio.to_thread(ask, anything, CALLERS, lambda number: number >= len(clients))
    committed = await commits(stack, "authorizations", "relations_removed", [member.profile])
    rows = await _written(connection, member.profile)
    committed_at = committed[member.profile].timestamp()
    return Removed(previewed, asked_at, committed_at, answered_at, during, after, rows)


def _question(member: Someone, organization_id: UUID) -> dict[str, Any]:
    return {
        "subject": {"type": "account", "id": member.account_id},
        "action": {"name": "write"},
        "resource": {"type": DELEGATED, "id": str(organization_id)},
    }


async def _written(connection: Any, contact_id: str) -> dict[str, int]:
    """Rows of each table that the removal's transaction wrote, but those that were deleted since, as the outbox's."""
    transaction = await connection.fetchval(
        "select xmin::text from audit where action = 'relations_removed' and object_id = $1", UUID(contact_id)
    )
    counted = {
        row[0]: await connection.fetchval(f"select count(*) from {row[0]} where xmin::text = $1", transaction)
        for row in await connection.fetch(TABLES)
    }
    return {table: number for table, number in counted.items() if number}


def _tell(removals: Sequence[Removed], delegations: int) -> None:
    wrong, asked = sum(one.wrong for one in removals), sum(len(one.after) for one in removals)
    say(f"\nAfter a removal was answered: {asked:,} checks, of which {wrong} said yes (aim: 0).")
    say(f"Rows that a removal wrote, but for its outbox: {json.dumps(removals[-1].rows)}.")
    rows = [
        ("a page of its preview", [one.previewed * 1000 for one in removals]),
        ("the removal, asked to answered", [(one.answered_at - one.asked_at) * 1000 for one in removals]),
        ("committed → the last yes is answered", [(one.last_yes - one.committed_at) * 1000 for one in removals]),
        (f"committed → the last no, all asked by {CALLERS}", [_last_no(one) for one in removals]),
        ("a check while it is a yes", [_ms(a) for one in removals for a in one.during if a.answered_at < one.asked_at]),
        ("a check while the removal is under way", [_ms(a) for one in removals for a in one.under_way]),
        ("a check after the removal", [_ms(a) for one in removals for a in one.after]),
    ]
    table(
        f"Removals of a member with {delegations:,} delegations, in ms ({AIM})",
        SHOWN,
        [(n, spread(ms)) for n, ms in rows],
    )


def _last_no(removed: Removed) -> float:
    return (max(answer.answered_at for answer in removed.after) - removed.committed_at) * 1000


def _ms(answer: Answer) -> float:
    return (answer.answered_at - answer.asked_at) * 1000
