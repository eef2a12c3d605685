"""GET /v1/authorized-files ("Mes dossiers autorisés"), for the chosen profile."""

from collections.abc import Sequence, Set
from datetime import date
from itertools import groupby
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel

from chassis.gateway import Call, PersonCaller, router
from contracts.events import Level
from contracts.problems import word
from services.authorizations.access import storage
from services.authorizations.access.domain import Entitlement
from services.authorizations.answers import last_day
from services.authorizations.instants import At, RecordedAt, asked_at
from services.authorizations.lists import storage as lists
from services.authorizations.lists.storage import Order
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.paging import SORT, Cursor, Limit, PageView, SearchBody, page, paged
from services.authorizations.profile import AuthorizationsCall, Profile
from services.authorizations.tools import Tools

routes = router()


class FileOrganizationView(BaseModel):
    """The organization whose file it is."""

    organization_id: UUID
    kind: str
    number: str
    name: str


class FileSubjectView(BaseModel):
    """A subject in force, at its highest level; `help` says what it allows, `link` leads to the article about it.

    `mandate_id`: the mandate that gives it; null where it was given otherwise.
    """

    subject: str
    name: str
    help: str
    link: str | None
    level: Level
    level_name: str
    starts_on: date
    ends_on: date
    mandate_id: UUID | None


class AbsentSubjectView(BaseModel):
    """A subject of this organization that the profile does not have because it cannot be delegated, and why."""

    subject: str
    name: str
    why: str
    link: str | None


class AuthorizedFileView(BaseModel):
    """One organization that the profile may act for."""

    organization: FileOrganizationView
    functions: list[str]
    subjects: list[FileSubjectView]
    absent: list[AbsentSubjectView]


class OwnSubjectView(BaseModel):
    """A service that is about the person alone; the access check takes the account's own id as its resource."""

    subject: str
    name: str
    help: str
    link: str | None


class OwnSubjectsView(BaseModel):
    """What any active account may do, in the order of the agency's catalogue."""

    account_id: UUID
    items: list[OwnSubjectView]
    total: int


@routes.get("/v1/own-subjects", summary="What one may do without acting for any organization")
async def own_subjects(call: AuthorizationsCall, caller: PersonCaller) -> OwnSubjectsView:
    """For any person who is signed in, with or without a profile: nothing of it hangs on an organization."""
    moment = call.tools.moment(call.gateway.unit.origin.clock())
    async with call.gateway.unit.pool.acquire() as connection:
        active = await storage.is_active(connection, moment, caller.account_id)
    items = [
        OwnSubjectView(
            subject=subject.code,
            name=subject.name.in_(call.language),
            help=subject.help.in_(call.language),
            link=subject.link.in_(call.language) if subject.link else None,
        )
        for subject in call.tools.agency.subjects.values()
        if active and subject.scope == "self" and subject.in_force(moment.day)
    ]
    return OwnSubjectsView(account_id=caller.account_id, items=items, total=len(items))


class _FilesAsked:
    """What the authorized files are asked with; FastAPI makes it from the request."""

    def __init__(
        self,
        acting: Profile,
        call: AuthorizationsCall,
        at: At = None,
        recorded_at: RecordedAt = None,
        sort: Annotated[Literal["organization", "-organization"], Query(description=SORT)] = "organization",
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> None:
        self.acting, self.call, self.cursor, self.limit = acting, call, cursor, limit
        self.moment = call.tools.moment(asked_at(call, at), recorded_at)
        self.order = Order.of(sort)


FilesAsked = Annotated[_FilesAsked, Depends()]


@routes.get("/v1/authorized-files", summary="The files the chosen profile may act in")
async def authorized_files(asked: FilesAsked) -> PageView[AuthorizedFileView]:
    """By name of the organization: subjects, rights and dates in force, and why a service is absent."""
    return await _files(asked, ())


@routes.post("/v1/authorized-files/search", summary="The files of organizations whose name holds these words")
async def search_authorized_files(asked: FilesAsked, body: SearchBody) -> PageView[AuthorizedFileView]:
    """As the list; accents and case do not count. In a body, because addresses are logged on their way."""
    return await _files(asked, body.words)


async def _files(asked: "_FilesAsked", words: Sequence[str]) -> PageView[AuthorizedFileView]:
    call, moment, contact_id = asked.call, asked.moment, asked.acting.contact_id
    listing = lists.files(moment, contact_id, words, asked.order)
    found = await page(call, listing, asked.cursor, asked.limit)
    ids = [row["organization_id"] for row in found.rows]
    async with call.gateway.unit.pool.acquire() as connection:
        chains = await storage.of_contact(connection, moment, contact_id, ids)
        named = await organizations.get(connection, ids)
        mandates = await storage.mandates(connection, {c.request_id for c in chains if c.request_id})
    held = {key: list(some) for key, some in groupby(chains, key=lambda chain: chain.organization_id)}
    files = [_file(call, named[key], held[key], moment.day, mandates) for key in ids if key in held]
    return PageView[AuthorizedFileView](**paged(found, files, call.language))


def _file(
    call: Call[Tools],
    organization: OrganizationRow,
    chains: list[Entitlement],
    day: date,
    mandates: Set[UUID],
) -> AuthorizedFileView:
    best: dict[str, Entitlement] = {}
    for chain in chains:
        if chain.subject not in best or chain.level == "write":
            best[chain.subject] = chain
    ceiling = call.tools.agency.ceiling(organization.kind, day)
    return AuthorizedFileView(
        organization=FileOrganizationView(
            organization_id=organization.organization_id,
            kind=organization.kind,
            number=organization.number,
            name=organization.legal_name,
        ),
        functions=sorted({call.tools.relation_type(chain.function).name.in_(call.language) for chain in chains}),
        subjects=[
            FileSubjectView(
                subject=subject.code,
                name=subject.name.in_(call.language),
                help=subject.help.in_(call.language),
                link=subject.link.in_(call.language) if subject.link else None,
                level=best[subject.code].level,
                level_name=word(f"level_{best[subject.code].level}", call.language),
                starts_on=valid.starts_on,
                ends_on=last_day(valid),
                mandate_id=asked_by if (asked_by := best[subject.code].request_id) in mandates else None,
            )
            for subject in ceiling
            if subject.code in best and (valid := best[subject.code].valid) is not None
        ],
        absent=[
            AbsentSubjectView(
                subject=subject.code,
                name=subject.name.in_(call.language),
                why=subject.why_not_delegable.in_(call.language),
                link=subject.link.in_(call.language) if subject.link else None,
            )
            for subject in ceiling
            if subject.why_not_delegable is not None
            and subject.code not in best
            and any(chain.through is not None for chain in chains)
        ],
    )
