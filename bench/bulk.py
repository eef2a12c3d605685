"""Codes that somebody waits for while an agency issues linking codes to 50,000 contacts, beside codes alone."""

import asyncio
import json
import sys

import asyncpg
import httpx

from bench.hops import Travelled, hop_rows, travelled
from bench.measuring import SHOWN, own_stack, say, spread, table, times_the_floor
from bench.registering import Registrations
from local import ROOT, Problem
from local.journeys.narrator import Narrator
from local.journeys.portal import Portal
from local.ports import SERVICES
from local.stack import Stack

ORGANIZATIONS, CONTACTS_EACH = 500, 100  # a batch names at most 500 organizations
RATE = 2  # registrations a second: 1,000 an hour is the budget of a network
COUNT = 200
WARM_UP = 20
STARTED_AFTER = 500  # bulk mails that have arrived before the second half is measured
FIRST_NUMBER, FIRST_CLIENT = 7_000_000, 70_000_000  # numbers that the demo data do not use
SLOWEST = 5  # codes that are shown each with its hops
PATIENCE = 120.0  # seconds for the bulk mails to begin to arrive
CALM = 10  # seconds in a row with nothing to publish and nothing to seal, before the codes alone are measured
AIM = "aim: p99 during the issue at most three times the idle one"


def run(small: bool) -> None:
    """Idle, then during the issue, on one stack."""
    organizations, count = (ORGANIZATIONS // 10, COUNT // 5) if small else (ORGANIZATIONS, COUNT)
    contacts = organizations * CONTACTS_EACH
    with own_stack(hashed=False) as stack:
        say(f"\nImporting {contacts:,} contacts …")
        _import(stack, organizations)
        asyncio.run(_known_to_linking(stack, contacts))
        asyncio.run(_calm(stack))
        asyncio.run(_measure(stack, count))


async def _known_to_linking(stack: Stack, contacts: int) -> None:
    """Return when the states of the import have arrived."""
    connection = await asyncpg.connect(stack.postgres.url("linking"))
    while await connection.fetchval("select count(*) from contacts") < contacts:  # noqa: ASYNC110 (another process)
        await asyncio.sleep(1)
    await connection.close()


async def _calm(stack: Stack) -> None:
    """Return when what the import left to do is done, so that the codes alone are alone."""
    connections = [await asyncpg.connect(stack.postgres.url(service)) for service in SERVICES]
    waits = "select exists (select from outbox) or exists (select from audit_unsealed)"
    calm = 0
    while calm < CALM:
        calm = 0 if any([await connection.fetchval(waits) for connection in connections]) else calm + 1
        await asyncio.sleep(1)
    for connection in connections:
        await connection.close()


async def _measure(stack: Stack, count: int) -> None:
    async with httpx.AsyncClient(timeout=60) as http:
        registrations = await Registrations.on(stack, http)
        await registrations.warm_up(WARM_UP)
        idle = await _ways(stack, registrations, count)
        await _issue(stack, http)
        before = await _bulk(stack)
        busy = await _ways(stack, registrations, count)
        waiting = await _bulk(stack)
    if waiting["unsent"] == 0:
        raise Problem("The bulk issue was over before the codes were measured: measure fewer, or issue more.")
    table(
        f"POST begun → DATA ended of a code, {RATE} a second, in ms ({AIM})",
        SHOWN,
        [
            ("floor: alone", spread(idle_ways := [way.whole for way in idle])),
            ("during the bulk issue", spread(busy_ways := [way.whole for way in busy])),
            ("times the floor", times_the_floor(busy_ways, idle_ways)),
        ],
    )
    table("hop by hop, alone, in ms", SHOWN, hop_rows(idle))
    table("hop by hop, during the bulk issue, in ms", SHOWN, hop_rows(busy))
    slowest = sorted(busy, key=lambda way: way.whole)[-SLOWEST:]
    table(
        "The slowest codes during the issue, in ms",
        list(slowest[0].hops),
        [
            (f"{way.begun:%H:%M:%S.%f}"[:-3] + f": {way.whole:,.0f}", [f"{ms:,.0f}" for ms in way.hops.values()])
            for way in slowest
        ],
    )
    sent = waiting["sent"] - before["sent"]
    say(f"\nMeanwhile {sent:,} bulk mails were sent; at the end {waiting['unsent']:,} contacts still waited.")


async def _ways(stack: Stack, registrations: Registrations, count: int) -> list[Travelled]:
    asked = await registrations.at_rate(RATE, count)
    return await travelled(stack, asked, await registrations.arrivals([one.address for one in asked]))


async def _issue(stack: Stack, http: httpx.AsyncClient) -> None:
    """An agent's batch for every imported organization; returns when its mails have begun to arrive."""
    portal = Portal(stack, Narrator(say=lambda _: None), http)
    connection = await asyncpg.connect(stack.postgres.url("authorizations"))
    rows = await connection.fetch(
        "select organization_id from organizations where number::bigint >= $1 order by number", FIRST_NUMBER
    )
    await connection.close()
    body = {"organization_ids": [str(row[0]) for row in rows], "functions": ["staff_member"]}
    agent = await portal.agent()
    made = await portal.call(agent, "authorizations", "POST", "/v1/linking-code-batches", json=body, expect=202)
    say(f"A batch of {made['requested']:,} linking codes.")

    deadline = asyncio.get_running_loop().time() + PATIENCE
    while (await _bulk(stack))["sent"] < STARTED_AFTER:
        if asyncio.get_running_loop().time() > deadline:
            raise Problem(f"Fewer than {STARTED_AFTER} bulk mails were sent within {PATIENCE:.0f} seconds.")
        await asyncio.sleep(1)


async def _bulk(stack: Stack) -> dict[str, int]:
    """How many bulk mails were sent, and how many contacts of the batch wait for theirs."""
    notifications = await asyncpg.connect(stack.postgres.url("notifications"))
    authorizations = await asyncpg.connect(stack.postgres.url("authorizations"))
    try:
        sent = await notifications.fetchval("select count(*) from mails where priority = 2 and state = 'sent'")
        items = await authorizations.fetchval("select count(*) from linking_code_batch_items where skipped is null")
    finally:
        await notifications.close()
        await authorizations.close()
    return {"sent": sent, "unsent": items - sent}


def _import(stack: Stack, organizations: int) -> None:
    """Employers with members who have an address each, as an agency would bring them in."""
    extract = (stack.agency_folder / "demo" / "organizations.ndjson").read_text(encoding="utf-8")
    sample = next(line["organization"] for line in map(json.loads, extract.splitlines()))
    file = stack.folder / "members.ndjson"
    with file.open("w", encoding="utf-8") as lines:
        for organization in range(organizations):
            first = FIRST_CLIENT + organization * CONTACTS_EACH
            line = {
                "organization": sample | {"number": str(FIRST_NUMBER + organization), "legal_name": f"Client {first}"},
                "contacts": [_contact(str(first + place)) for place in range(CONTACTS_EACH)],
            }
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")
    command = [sys.executable, "-m", "services.authorizations", "import", str(file)]
    told = stack.environment("authorizations")
    stack.processes.run("The import of members", command, stack.logs / "import.log", env=told, cwd=ROOT, timeout=1800)


def _contact(number: str) -> dict[str, object]:
    return {
        "client_number": number,
        "family_name": "Membre",
        "given_name": f"Numéro {number}",
        "email": f"member-{number}@bulk.example",
        "language": "fr",
        "relations": [
            {
                "type": "staff_member",
                "starts_on": "2026-01-01",
                "subjects": [{"subject": "profile", "level": "read"}],
            }
        ],
    }
