"""Rows of requests."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.database import Connection, Pool
from chassis.pages import Listing
from contracts.agency.requests import Decider, RequestKind, ReviewReason
from contracts.imports import OrganizationKey
from services.authorizations.access.domain import Moment
from services.authorizations.managing.storage import CAN_ACT, manages
from services.authorizations.requests.domain import Asked, End, Request, State, Step

COLUMNS = (
    "request_id, version, kind, reason, organization_id, other_kind, other_number, asked_by_organization_id,"
    " asked_by_contact_id, asked_by_account_id, claim_id, asked_by, asked, decider, state, outcome, decision_reason,"
    " decided_by, submitted_at, received_at, settled_at, to_tell, lapses_on, reminded, claimed_by, claimed_until"
)

# What a request is today ($1), whether or not anybody told that it has lapsed.
STATE = "case when state in ('signing', 'submitted', 'returned') and lapses_on < $1::date then 'lapsed' else state end"

LIST = f"select {COLUMNS}, {STATE} as state_today from requests where ($2::text is null or kind = $2)"

END_STATES: dict[End, State] = {
    "approve": "decided",
    "reject": "decided",
    "merge": "decided",
    "lapse": "lapsed",
    "withdraw": "withdrawn",
}


@dataclass(frozen=True)
class NewRequest:
    """A request about to be made."""

    request_id: UUID
    kind: RequestKind
    reason: ReviewReason | None
    organization_id: UUID | None
    other: OrganizationKey | None
    asked_by_organization_id: UUID | None
    asked_by_contact_id: UUID | None
    asked_by_account_id: UUID | None
    claim_id: UUID | None
    asked_by: str
    asked: Asked
    decider: Decider
    lapses_on: date
    to_tell: Step | None
    state: State = "submitted"


def request(row: Any) -> Request:
    """A request from its row; columns that a list adds are left out."""
    values = {name: row[name] for name in COLUMNS.split(", ")}
    kind, number = values.pop("other_kind"), values.pop("other_number")
    values["held_by"], values["held_until"] = values.pop("claimed_by"), values.pop("claimed_until")
    return Request(**values, other=OrganizationKey(kind=kind, number=number) if number is not None else None)


def _kept(asked: Asked) -> dict[str, Any]:
    """What is asked, as a row keeps it: fields of other kinds, which have their defaults, are left out."""
    return asked.model_dump(mode="json", exclude_defaults=True)


async def add(connection: Connection, new: NewRequest, now: datetime) -> None:
    """Make a request's row."""
    await connection.execute(
        "insert into requests (request_id, kind, reason, organization_id, other_kind, other_number,"
        " asked_by_organization_id, asked_by_contact_id, asked_by_account_id, claim_id, asked_by, asked, decider,"
        " lapses_on, to_tell, submitted_at, received_at, state)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17)",
        new.request_id, new.kind, new.reason, new.organization_id,
        new.other.kind if new.other else None, new.other.number if new.other else None,
        new.asked_by_organization_id, new.asked_by_contact_id, new.asked_by_account_id, new.claim_id, new.asked_by,
        _kept(new.asked), new.decider, new.lapses_on, new.to_tell, now, new.state,
    )  # fmt: skip


async def get(connection: Connection, request_id: UUID) -> Request | None:
    """A request by id."""
    row = await connection.fetchrow(f"select {COLUMNS} from requests where request_id = $1", request_id)
    return request(row) if row else None


async def get_all(connection: Connection, request_ids: Collection[UUID]) -> dict[UUID, Request]:
    """Requests by id; unknown ids are absent."""
    rows = await connection.fetch(
        f"select {COLUMNS} from requests where request_id = any($1::uuid[])", list(request_ids)
    )  # fmt: skip
    return {row["request_id"]: request(row) for row in rows}


async def lock(connection: Connection, request_id: UUID) -> Request | None:
    """A request by id, whose row others wait for. Lock its organizations first."""
    row = await connection.fetchrow(f"select {COLUMNS} from requests where request_id = $1 for update", request_id)
    return request(row) if row else None


async def assign(connection: Connection, request_id: UUID, organization_id: UUID | None, decider: Decider) -> None:
    """Whose file it is about, and who decides."""
    await connection.execute(
        "update requests set organization_id = $2, decider = $3 where request_id = $1",
        request_id,
        organization_id,
        decider,
    )


async def told(connection: Connection, request_id: UUID) -> None:
    """There is nothing left to tell."""
    await connection.execute("update requests set to_tell = null where request_id = $1", request_id)


async def hold(connection: Connection, request_id: UUID, agent: str, until: datetime) -> None:
    """An agent has it for itself for a time. What others see of it, and its version, stay as they are."""
    await connection.execute(
        "update requests set claimed_by = $2, claimed_until = $3 where request_id = $1", request_id, agent, until
    )


async def give_back(connection: Connection, request_id: UUID, reason: str | None) -> None:
    """Whoever asked has to correct it."""
    await connection.execute(
        "update requests set version = version + 1, state = 'returned', decision_reason = $2, claimed_by = null,"
        " claimed_until = null where request_id = $1",
        request_id,
        reason,
    )


async def await_signatures(connection: Connection, request_id: UUID, asked: Asked, lapses_on: date) -> None:
    """A corrected text waits until its sides have signed it."""
    await connection.execute(
        "update requests set version = version + 1, state = 'signing', decision_reason = null, asked = $2,"
        " lapses_on = $3, reminded = null, claimed_by = null, claimed_until = null where request_id = $1",
        request_id,
        _kept(asked),
        lapses_on,
    )


async def receive(connection: Connection, request_id: UUID, lapses_on: date, now: datetime) -> bool:
    """What its sides have signed comes to those who decide. False: it was not being signed."""
    done = await connection.fetchval(
        "update requests set version = version + 1, state = 'submitted', received_at = $3, lapses_on = $2,"
        " reminded = null where request_id = $1 and state = 'signing' returning true",
        request_id,
        lapses_on,
        now,
    )
    return done is True


async def submit_again(
    connection: Connection, request_id: UUID, asked: Asked, lapses_on: date, to_tell: Step | None
) -> None:
    """A corrected text waits for a decision, and for as long as a new one."""
    await connection.execute(
        "update requests set version = version + 1, state = 'submitted', decision_reason = null, asked = $2,"
        " lapses_on = $3, to_tell = $4, reminded = null where request_id = $1",
        request_id, _kept(asked), lapses_on, to_tell,
    )  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a request ended: why, by whom (the audit's name), when, and what a worker has still to tell of it."""

    end: End
    reason: str | None
    by: str
    at: datetime
    to_tell: Step | None


async def settle(connection: Connection, request_id: UUID, organization_id: UUID | None, ended: Ended) -> None:
    """It has ended, and was about this organization."""
    state = END_STATES[ended.end]
    await connection.execute(
        "update requests set version = version + 1, organization_id = $2, state = $3, outcome = $4,"
        " decision_reason = $5, decided_by = $6, settled_at = $7, to_tell = $8, claimed_by = null, claimed_until = null"
        " where request_id = $1",
        request_id, organization_id, state, ended.end if state == "decided" else None, ended.reason, ended.by,
        ended.at, ended.to_tell,
    )  # fmt: skip


async def to_tell(pool: Pool, limit: int) -> list[UUID]:
    """Requests of which something is left to tell, the oldest first."""
    rows = await pool.fetch(
        "select request_id from requests where to_tell is not null order by request_id limit $1", limit
    )
    return [row["request_id"] for row in rows]


async def to_lapse(pool: Pool, day: date, limit: int) -> list[UUID]:
    """Requests that are past their last day, and of which nobody was told yet."""
    rows = await pool.fetch(
        "select request_id from requests where state in ('signing', 'submitted', 'returned') and lapses_on < $1"
        " order by lapses_on, request_id limit $2",
        day,
        limit,
    )
    return [row["request_id"] for row in rows]


@dataclass(frozen=True)
class RequestFilter:
    """Narrows a list; None leaves a column open. `only` is the one contact whose own requests the viewer may see.

    `organization_id` keeps what is about an organization, or was asked by it.
    """

    kind: RequestKind | None = None
    state: State | None = None
    decider: Decider | None = None
    only: UUID | None = None
    organization_id: UUID | None = None


def of_organization(day: date, organization_id: UUID, narrow: RequestFilter) -> Listing:
    """What an organization has asked, and what it has to decide."""
    return Listing(
        f"select * from ({LIST}) listed where ($3::text is null or state_today = $3)"
        " and (asked_by_organization_id = $4 or organization_id = $4 and decider = 'organization')"
        " and ($5::uuid is null or asked_by_organization_id = $4 and asked_by_contact_id = $5)",
        [day, narrow.kind, narrow.state, organization_id, narrow.only],
        (("request_id", "uuid"),),
    )


def of_everybody(day: date, narrow: RequestFilter) -> Listing:
    """Every request, for agents, in the order in which they came; without one whose number nobody has looked for."""
    return Listing(
        f"select * from ({LIST}) listed where ($3::text is null or state_today = $3)"
        " and ($4::text is null or decider = $4) and to_tell is distinct from 'submitted'"
        " and ($5::uuid is null or $5 in (organization_id, asked_by_organization_id))",
        [day, narrow.kind, narrow.state, narrow.decider, narrow.organization_id],
        (("received_at", "timestamptz"), ("request_id", "uuid")),
    )


async def waiting(
    connection: Connection, organization_id: UUID, kinds: Collection[RequestKind], day: date
) -> list[UUID]:
    """The requests of some kinds about an organization that wait for a decision, in the order in which they came."""
    rows = await connection.fetch(
        "select request_id from requests where organization_id = $1 and kind = any($2::text[])"
        " and state = 'submitted' and to_tell is null and lapses_on >= $3 order by request_id",
        organization_id,
        list(kinds),
        day,
    )
    return [row["request_id"] for row in rows]


async def left_waiting(
    pool: Pool, moment: Moment, managing: Collection[str], kinds: Collection[RequestKind], limit: int
) -> list[UUID]:
    """Organizations with requests of some kinds that wait for their managers, of whom nobody can act at the moment."""
    rows = await pool.fetch(
        "select distinct q.organization_id from requests q where q.decider = 'organization' and q.state = 'submitted'"
        " and q.to_tell is null and q.kind = any($4::text[]) and q.lapses_on >= $2::date and not exists ("
        f"select from relations r where r.organization_id = q.organization_id and {manages()} and {CAN_ACT})"
        " order by q.organization_id limit $5",
        moment.at, moment.day, list(managing), list(kinds), limit,
    )  # fmt: skip
    return [row["organization_id"] for row in rows]


async def to_remind(
    pool: Pool, day: date, reminders: Mapping[tuple[RequestKind, State], Sequence[int]], limit: int
) -> list[UUID]:
    """Requests of whose last day whoever they wait for is still to be reminded, so many days before it."""
    rules = [(kind, state, days) for (kind, state), each in reminders.items() for days in each]
    rows = await pool.fetch(
        "select distinct request_id from requests"
        " join unnest($1::text[], $2::text[], $3::integer[]) as rule (kind, state, days) using (kind, state)"
        " where to_tell is null and lapses_on between $4::date and $4::date + days"
        " and (reminded is null or reminded > days) order by request_id limit $5",
        [kind for kind, _, _ in rules],
        [state for _, state, _ in rules],
        [days for _, _, days in rules],
        day,
        limit,
    )
    return [row["request_id"] for row in rows]


async def reminded(connection: Connection, request_id: UUID, days: int) -> None:
    """Those who decide were reminded so many days before the last one."""
    await connection.execute("update requests set reminded = $2 where request_id = $1", request_id, days)


async def of_account(connection: Connection, organization_id: UUID, account_id: UUID, day: date) -> UUID | None:
    """The request of an account that waits in an organization, and can still be decided."""
    found: UUID | None = await connection.fetchval(
        "select request_id from requests where asked_by_account_id = $2 and organization_id = $1"
        " and state = 'submitted' and lapses_on >= $3 limit 1",
        organization_id,
        account_id,
        day,
    )
    return found


# What a mandate gave and has not ended yet: who its two sides are stays with it.
GOES_ON = """
select from mandates m join rights r on r.right_id = m.right_id and upper_inf(r.recorded) and r.ended_at is null
join relations h on h.relation_id = m.relation_id and upper_inf(h.recorded) and h.ended_at is null
where m.request_id = q.request_id and (upper_inf(r.valid) or upper(r.valid) > $2::date)
"""


async def past_keeping(pool: Pool, ended_before: datetime, day: date, limit: int) -> list[UUID]:
    """Requests that ended so long ago that what they say of a person is no longer needed; on a day."""
    rows = await pool.fetch(
        "select request_id from requests q join personal_fields on owner_id = request_id where settled_at < $1"
        f" and not exists ({GOES_ON}) limit $3",
        ended_before,
        day,
        limit,
    )
    return [row["request_id"] for row in rows]
