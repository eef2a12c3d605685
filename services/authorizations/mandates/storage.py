"""Rows of mandates, and of the two sides of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.database import Connection, Pool
from chassis.pages import Listing
from contracts.agency.mandates import MandateSide
from contracts.events import Language
from services.authorizations import dated
from services.authorizations.access.domain import Moment
from services.authorizations.access.storage import ENTITLEMENTS, IN_FORCE
from services.authorizations.blocked import unblocked
from services.authorizations.mandates.domain import Mandate, Signer
from services.authorizations.periods import Period
from services.authorizations.personal.domain import Personal
from services.authorizations.requests.domain import State
from services.authorizations.requests.storage import LIST

OF_MANDATE = (
    "request_id, list_id, text_version, language, delegate_language, contact_id, relation_id, right_id, revoked_at,"
    " revoked_by"
)
OF_SIDE = (
    "side_id, request_id, side, account_id, contact_id, address_state, address_reason, verified_at, signed_version,"
    " signed_at"
)


@dataclass(frozen=True)
class NewMandate:
    """A mandate about to be made, with the ids of its sides; the professional is known from the beginning."""

    request_id: UUID
    list_id: UUID | None
    language: Language
    delegate_language: Language
    professional_id: UUID
    account_id: UUID | None
    contact_id: UUID | None
    delegate_id: UUID


async def add(connection: Connection, new: NewMandate) -> None:
    """Make a mandate's rows; the request stands already."""
    await connection.execute(
        "insert into mandates (request_id, list_id, language, delegate_language) values ($1, $2, $3, $4)",
        new.request_id,
        new.list_id,
        new.language,
        new.delegate_language,
    )
    await connection.executemany(
        "insert into mandate_sides (side_id, request_id, side, account_id, contact_id) values ($1, $2, $3, $4, $5)",
        [
            (new.professional_id, new.request_id, "professional", new.account_id, new.contact_id),
            (new.delegate_id, new.request_id, "delegate", None, None),
        ],
    )


async def add_list(connection: Connection, list_id: UUID, organization_id: UUID, contact_id: UUID) -> None:
    """Begin a list of mandates that somebody asks for at once."""
    await connection.execute(
        "insert into mandate_lists (list_id, organization_id, contact_id, items) values ($1, $2, $3, '[]')",
        list_id,
        organization_id,
        contact_id,
    )


async def fill_list(connection: Connection, list_id: UUID, items: Sequence[Mapping[str, Any]]) -> None:
    """What became of each that was asked for, in order: `mandate_id`, or `refused`."""
    await connection.execute("update mandate_lists set items = $2 where list_id = $1", list_id, items)


async def items_of(connection: Connection, list_id: UUID) -> Sequence[Mapping[str, Any]]:
    """What became of each mandate of a list."""
    found: Sequence[Mapping[str, Any]] = await connection.fetchval(
        "select items from mandate_lists where list_id = $1", list_id
    )
    return found


STANDING = """
select q.request_id, q.state <> 'decided' as is_open, array[described.email, verified.email] as emails,
    coalesce(upper_inf(r.valid * h.valid), false) as is_endless
from requests q join mandates m using (request_id)
join personal_fields described on described.owner_id = q.request_id
join mandate_sides d on d.request_id = q.request_id and d.side = 'delegate'
join personal_fields verified on verified.owner_id = d.side_id
left join rights r on r.right_id = m.right_id and upper_inf(r.recorded)
left join relations h on h.relation_id = m.relation_id and upper_inf(h.recorded)
where q.organization_id = $1 and q.kind = 'mandate' and q.asked ->> 'subject' = $2 and q.request_id <> all($6::uuid[])
    and folded(described.family_name) = folded($3) and folded(described.given_name) = folded($4)
    and (q.state in ('signing', 'submitted', 'returned') and q.lapses_on >= $5
        or q.outcome = 'approve' and r.ended_at is null and h.ended_at is null
            and (upper_inf(r.valid * h.valid) or upper(r.valid * h.valid) > $5))
order by is_open desc, q.request_id desc
"""

RENEWING_ENDED = """
select q.request_id
from requests q join mandates m on m.request_id = (q.asked ->> 'renews')::uuid
left join rights r on r.right_id = m.right_id and upper_inf(r.recorded)
left join relations h on h.relation_id = m.relation_id and upper_inf(h.recorded)
where q.kind = 'mandate' and q.state in ('signing', 'submitted', 'returned') and q.lapses_on >= $1
    and ($3::uuid is null or q.request_id = $3)
    and (m.revoked_at is not null or r.ended_at is not null or h.ended_at is not null)
order by q.request_id limit $2
"""


@dataclass(frozen=True)
class Standing:
    """A mandate that waits, or of which the right is in force or will be, `is_endless` where it ends on no day.

    `emails` are the delegate's known ones.
    """

    request_id: UUID
    is_open: bool
    is_endless: bool
    emails: Sequence[str | None] = field(repr=False)


async def standing(
    connection: Connection, organization_id: UUID, subject: str, delegate: Personal, day: date, besides: Sequence[UUID]
) -> list[Standing]:
    """Mandates of whoever has these names for a subject in an organization, but `besides`; those that wait first."""
    rows = await connection.fetch(
        STANDING, organization_id, subject, delegate.family_name, delegate.given_name, day, besides
    )
    return [Standing(**row) for row in rows]


async def renewing_ended(pool: Pool, day: date, limit: int) -> list[UUID]:
    """Renewals that wait although what they renew was revoked or withdrawn."""
    return [row["request_id"] for row in await pool.fetch(RENEWING_ENDED, day, limit, None)]


async def renews_ended(connection: Connection, request_id: UUID, day: date) -> bool:
    """Whether this is one of them."""
    return await connection.fetchval(RENEWING_ENDED, day, 1, request_id) is not None


async def get(connection: Connection, request_id: UUID) -> Mandate | None:
    """A mandate by the id of its request."""
    return (await get_all(connection, [request_id])).get(request_id)


async def get_all(connection: Connection, request_ids: Iterable[UUID]) -> dict[UUID, Mandate]:
    """Mandates by the ids of their requests; those that are none are absent."""
    wanted = list(request_ids)
    rows = await connection.fetch(f"select {OF_MANDATE} from mandates where request_id = any($1::uuid[])", wanted)
    sides: dict[UUID, dict[MandateSide, Signer]] = {row["request_id"]: {} for row in rows}
    for row in await connection.fetch(
        f"select {OF_SIDE} from mandate_sides where request_id = any($1::uuid[]) order by side desc", wanted
    ):
        sides[row["request_id"]][row["side"]] = _signer(row)
    return {row["request_id"]: Mandate(**row, sides=sides[row["request_id"]]) for row in rows}


def _signer(row: Any) -> Signer:
    return Signer(**row)


async def of_list(connection: Connection, list_id: UUID) -> list[UUID]:
    """The mandates of a list, in the order in which they were asked for."""
    rows = await connection.fetch("select request_id from mandates where list_id = $1 order by request_id", list_id)
    return [row["request_id"] for row in rows]


async def note_signed(
    connection: Connection, signer: Signer, version: int, account_id: UUID | None, contact_id: UUID | None, at: datetime
) -> None:
    """A side has signed a text, as this account or contact where it is one."""
    await connection.execute(
        "update mandate_sides set signed_version = $2, signed_at = $3, account_id = coalesce($4, account_id),"
        " contact_id = coalesce($5, contact_id) where side_id = $1",
        signer.side_id, version, at, account_id, contact_id,
    )  # fmt: skip


async def note_verified(connection: Connection, signer: Signer, at: datetime) -> None:
    """A side's address is verified; which one, personal_fields says."""
    await connection.execute(
        "update mandate_sides set address_state = 'verified', verified_at = $2, address_reason = null"
        " where side_id = $1",
        signer.side_id,
        at,
    )


async def note_refused(connection: Connection, signer: Signer, reason: str) -> None:
    """A side needs another address, for a reason."""
    await connection.execute(
        "update mandate_sides set address_state = 'refused', verified_at = null, address_reason = $2"
        " where side_id = $1",
        signer.side_id,
        reason,
    )


async def new_text(connection: Connection, request_id: UUID, language: Language) -> None:
    """What was signed is void: there is another text to sign, which the professional reads in this language."""
    await connection.execute(
        "update mandates set text_version = text_version + 1, language = $2 where request_id = $1", request_id, language
    )


async def another_delegate(connection: Connection, delegate: Signer, language: Language) -> None:
    """Somebody else is to be mandated, of whom nothing is known yet."""
    await connection.execute(
        "update mandate_sides set account_id = null, contact_id = null, address_state = 'none', address_reason = null,"
        " verified_at = null, signed_version = null, signed_at = null where side_id = $1",
        delegate.side_id,
    )
    await connection.execute(
        "update mandates set delegate_language = $2 where request_id = $1", delegate.request_id, language
    )


async def note_revoked(connection: Connection, request_id: UUID, by: str, at: datetime) -> None:
    """What a mandate gave was ended, by whom (the audit's name)."""
    await connection.execute(
        "update mandates set revoked_at = $3, revoked_by = $2 where request_id = $1", request_id, by, at
    )


async def given(connection: Connection, request_id: UUID, contact_id: UUID, relation_id: UUID, right_id: UUID) -> None:
    """What an approval gave, and to whom in the organization."""
    await connection.execute(
        "update mandates set contact_id = $2, relation_id = $3, right_id = $4 where request_id = $1",
        request_id,
        contact_id,
        relation_id,
        right_id,
    )
    await connection.execute(
        "update mandate_sides set contact_id = $2 where request_id = $1 and side = 'delegate'", request_id, contact_id
    )


async def was_judged(connection: Connection, request_id: UUID) -> bool:
    """Whether an agent ever refused an address of either side."""
    found: bool = await connection.fetchval(
        "select exists (select from refused_mailboxes join mandate_sides using (side_id) where request_id = $1)",
        request_id,
    )
    return found


async def note_looked_at(connection: Connection, request_id: UUID, version: int) -> None:
    """The machine has looked at this version of a mandate's request."""
    await connection.execute("update mandates set looked_at_version = $2 where request_id = $1", request_id, version)


async def for_machine(pool: Pool, services: Sequence[str], day: date, limit: int) -> list[UUID]:
    """Mandates of these services that wait for agents, and at which the machine has not looked, the oldest first."""
    rows = await pool.fetch(
        "select request_id from requests q join mandates m using (request_id) where q.kind = 'mandate'"
        " and q.state = 'submitted' and q.lapses_on >= $2 and q.asked ->> 'subject' = any($1::text[])"
        " and m.looked_at_version is distinct from q.version order by q.received_at limit $3",
        list(services),
        day,
        limit,
    )
    return [row["request_id"] for row in rows]


async def oldest_waiting(pool: Pool, day: date) -> datetime | None:
    """When the oldest mandate was received that waits for agents; None: none waits."""
    found: datetime | None = await pool.fetchval(
        "select min(received_at) from requests where kind = 'mandate' and state = 'submitted' and lapses_on >= $1", day
    )
    return found


IN_FORCE_OF = f"select e.right_id from ({ENTITLEMENTS}) e where e.relation_id = any($4::uuid[]) and {IN_FORCE}"


@dataclass(frozen=True)
class HeldRight:
    """What an approval gave, as it stands: for how long, and when it or the function that it hangs on was withdrawn."""

    right_id: UUID
    period: Period
    ended_at: datetime | None


async def rights(connection: Connection, right_ids: Iterable[UUID]) -> dict[UUID, HeldRight]:
    """Rights that mandates gave, current versions."""
    rows = await connection.fetch(
        # One that was to begin after what is now the function's end never came into force, and keeps its own days.
        "select r.right_id, case when r.valid && h.valid then r.valid * h.valid else r.valid end as valid,"
        " least(r.ended_at, h.ended_at) as ended_at from rights r"
        " join relations h on h.relation_id = r.relation_id and upper_inf(h.recorded)"
        " where r.right_id = any($1::uuid[]) and upper_inf(r.recorded)",
        list(right_ids),
    )
    return {row["right_id"]: HeldRight(row["right_id"], Period.stored(row["valid"]), row["ended_at"]) for row in rows}


async def is_delegate(connection: Connection, contact_id: UUID, day: date) -> bool:
    """Whether a mandate that is in force, or will be, is this contact's."""
    found: bool = await connection.fetchval(
        "select exists (select from mandates m join rights r on r.right_id = m.right_id and upper_inf(r.recorded)"
        " join relations h on h.relation_id = m.relation_id and upper_inf(h.recorded) where m.contact_id = $1"
        " and r.ended_at is null and h.ended_at is null"
        " and (upper_inf(r.valid * h.valid) or upper(r.valid * h.valid) > $2))",
        contact_id, day,
    )  # fmt: skip
    return found


async def in_force(connection: Connection, moment: Moment, relation_ids: Iterable[UUID]) -> set[UUID]:
    """Which rights of memberships the check would say yes by."""
    rows = await connection.fetch(IN_FORCE_OF, moment.at, moment.day, [], list(relation_ids))
    return {row["right_id"] for row in rows}


UPHELD = f"""
select s.request_id
from mandate_sides s join requests q using (request_id)
where s.request_id = any($3::uuid[]) and s.side = 'professional' and exists (
        select from relations r
        where r.holder_id = s.contact_id and r.organization_id = q.organization_id and r.through is null
            and r.type = q.asked ->> 'profession' and {dated.known("r")} and {dated.in_force("r")}
    )
    and {unblocked("s.contact_id", "q.organization_id")}
"""


async def upheld(connection: Connection, moment: Moment, request_ids: Iterable[UUID]) -> set[UUID]:
    """Of these mandates, those whose professional has the profession there at the moment, by which they mandated."""
    rows = await connection.fetch(UPHELD, moment.at, moment.day, list(request_ids))
    return {row["request_id"] for row in rows}


@dataclass(frozen=True)
class MandateFilter:
    """Narrows a list. `organization_id` and `asked_by`: those of an organization, all or what one contact asked.

    `delegate_id`: besides, those by which this contact is the delegate. All None: every mandate.
    """

    state: State | None = None
    organization_id: UUID | None = None
    asked_by: UUID | None = None
    delegate_id: UUID | None = None


def listing(day: date, narrow: MandateFilter) -> Listing:
    """Mandates in the order in which they were asked for."""
    return Listing(
        f"select listed.* from ({LIST}) listed join mandates m using (request_id)"
        " where ($3::text is null or state_today = $3) and ($4::uuid is null and $6::uuid is null"
        " or organization_id = $4 and ($5::uuid is null or asked_by_contact_id = $5) or m.contact_id = $6)",
        [day, "mandate", narrow.state, narrow.organization_id, narrow.asked_by, narrow.delegate_id],
        (("request_id", "uuid"),),
    )
