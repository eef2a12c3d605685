"""The three lists of an organization: by filter and order, by a search, and each of them as a table."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import StreamingResponse

from chassis import pages, tables
from chassis.gateway import Call, router
from chassis.outcomes import Refusal
from chassis.pages import Listing
from chassis.problems import ProblemRaised
from contracts.problems import word
from services.authorizations.access.domain import Moment
from services.authorizations.instants import At, RecordedAt, asked_at
from services.authorizations.lists import storage
from services.authorizations.lists.authorizations import LEVELS, NO_AND_YES, authorizations
from services.authorizations.lists.shown import AUTHORIZATIONS, CONTACTS, RELATIONS, Row, Shown, V, type_name
from services.authorizations.lists.storage import Narrow, Order
from services.authorizations.lists.views import AuthorizationView, ListedContactView, RelationView
from services.authorizations.paging import SORT, Active, Cursor, Limit, PageView, SearchBody, page, paged
from services.authorizations.personal.storage import names as names_of
from services.authorizations.profile import Asking, AuthorizationsCall
from services.authorizations.tools import Tools

routes = router()

TABLE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A page; all of it as a table with `Accept: text/csv`.", "content": {tables.MEDIA_TYPE: {}}}
}
ContactSort = Annotated[Literal["name", "-name", "email", "-email", "active", "-active"], Query(description=SORT)]
RelationSort = Annotated[
    Literal[
        "organization", "-organization", "type", "-type", "related_organization", "-related_organization",
        "active", "-active",
    ],
    Query(description=SORT),
]  # fmt: skip
AuthorizationSort = Annotated[
    Literal[
        "contact", "-contact", "subject", "-subject", "level", "-level", "organization", "-organization",
        "holder_organization", "-holder_organization", "function", "-function", "active", "-active",
    ],
    Query(description=SORT),
]  # fmt: skip
OfOrganization = Annotated[UUID | None, Query(description="Only what concerns this other organization.")]
OfContact = Annotated[UUID | None, Query(description="Only what this contact holds.")]
OfKind = Annotated[str | None, Query(max_length=64, pattern="^[a-z0-9_]+$", description="The other one's kind.")]
OfSubject = Annotated[
    str | None, Query(max_length=64, pattern="^[a-z0-9_]+$", description="Only what concerns this subject.")
]


class Asked:
    """What every list is asked with; FastAPI makes it from the request."""

    def __init__(
        self,
        organization_id: UUID,
        asker: Asking,
        call: AuthorizationsCall,
        request: Request,
        active: Active = None,
        at: At = None,
        recorded_at: RecordedAt = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> None:
        self.organization_id, self.call, self.active = organization_id, call, active
        self._asker = asker
        self.moment: Moment = call.tools.moment(asked_at(call, at), recorded_at)
        self._cursor, self._limit = cursor, limit
        self._as_table = tables.is_wanted(request.headers.get("accept", ""))

    async def open_file(self) -> UUID | None:
        """The one contact whose rows may be shown, None for all; an agent's look is audited. Raises ProblemRaised."""
        return await self._asker.open_file(self.call, self.organization_id)

    async def answer(self, listing: Listing, shown: Shown[V]) -> PageView[V] | StreamingResponse:
        """A page, or the whole as a table. Raises ProblemRaised when it is too long for one."""
        if self._as_table:
            return await self._table(listing, shown)
        found = await page(self.call, listing, self._cursor, self._limit)
        items = await self._views(found.rows, shown)
        return PageView[V](**paged(found, items, self.call.language))

    async def _views(self, rows: Sequence[Row], shown: Shown[V]) -> list[V]:
        owners = {row[column] for row in rows for column in shown.owners}
        async with self.call.gateway.unit.pool.acquire() as connection:
            names = await names_of(connection, owners) if owners else {}
        return [shown.render(self.call, row, names) for row in rows]

    async def _table(self, listing: Listing, shown: Shown[V]) -> StreamingResponse:
        pool, language = self.call.gateway.unit.pool, self.call.language
        async with pool.acquire() as connection:
            _, complete = await pages.count(connection, listing)
        if not complete:
            raise ProblemRaised(Refusal("too_many_rows", {"limit": pages.COUNT_TO}))

        async def portions() -> AsyncIterator[list[list[str]]]:
            async for rows in pages.walk(pool, listing):
                views = await self._views(rows, shown)
                yield [[cell(view, language) for _, cell in shown.columns] for view in views]

        headings = [word(heading, language) for heading, _ in shown.columns]
        return StreamingResponse(tables.written(headings, portions()), media_type=tables.MEDIA_TYPE)


AskedOf = Annotated[Asked, Depends()]


@routes.get(
    "/v1/organizations/{organization_id}/contacts",
    summary="The contacts of an organization",
    response_model=PageView[ListedContactView],
    responses=TABLE,
)
async def list_contacts(
    asked: AskedOf, subject: OfSubject = None, organization: OfOrganization = None, sort: ContactSort = "name"
) -> Any:
    """The guide's list: family name, given name, e-mail, telephones, active.

    By subject and organization: who has such an authorization; with `active` one in force.
    """
    return await _contacts(asked, subject, organization, sort, ())


@routes.post(
    "/v1/organizations/{organization_id}/contacts/search",
    summary="The contacts whose name holds these words",
    response_model=PageView[ListedContactView],
    responses=TABLE,
)
async def search_contacts(
    asked: AskedOf,
    body: SearchBody,
    subject: OfSubject = None,
    organization: OfOrganization = None,
    sort: ContactSort = "name",
) -> Any:
    """As the list; accents and case do not count. In a body, because addresses are logged on their way."""
    return await _contacts(asked, subject, organization, sort, body.words)


@routes.get(
    "/v1/organizations/{organization_id}/relations",
    summary="The relations of an organization",
    response_model=PageView[RelationView],
    responses=TABLE,
)
async def list_relations(
    asked: AskedOf,
    contact: OfContact = None,
    subject: OfSubject = None,
    organization: OfOrganization = None,
    kind: OfKind = None,
    sort: RelationSort = "organization",
) -> Any:
    """The guide's list: organization, type of relation, related organization, active.

    By contact: what it has an authorization through; by subject: what carries one. With `active` one in force.
    """
    return await _relations(asked, contact, subject, organization, kind, sort, ())


@routes.post(
    "/v1/organizations/{organization_id}/relations/search",
    summary="The relations with an organization whose name holds these words",
    response_model=PageView[RelationView],
    responses=TABLE,
)
async def search_relations(
    asked: AskedOf,
    body: SearchBody,
    contact: OfContact = None,
    subject: OfSubject = None,
    organization: OfOrganization = None,
    kind: OfKind = None,
    sort: RelationSort = "organization",
) -> Any:
    """As the list; accents and case do not count."""
    return await _relations(asked, contact, subject, organization, kind, sort, body.words)


@routes.get(
    "/v1/organizations/{organization_id}/authorizations",
    summary="The authorizations of an organization",
    response_model=PageView[AuthorizationView],
    responses=TABLE,
)
async def list_authorizations(
    asked: AskedOf,
    contact: OfContact = None,
    subject: OfSubject = None,
    organization: OfOrganization = None,
    sort: AuthorizationSort = "contact",
) -> Any:
    """The guide's list: subject, right, organization, organization, contact, function, active; the firm's own first."""
    return await _authorizations(asked, contact, subject, organization, sort, ())


@routes.post(
    "/v1/organizations/{organization_id}/authorizations/search",
    summary="The authorizations of, or for, whose name holds these words",
    response_model=PageView[AuthorizationView],
    responses=TABLE,
)
async def search_authorizations(
    asked: AskedOf,
    body: SearchBody,
    contact: OfContact = None,
    subject: OfSubject = None,
    organization: OfOrganization = None,
    sort: AuthorizationSort = "contact",
) -> Any:
    """As the list, of contacts or for organizations whose name holds every word; accents and case do not count."""
    return await _authorizations(asked, contact, subject, organization, sort, body.words)


async def _contacts(
    asked: Asked, subject: str | None, organization: UUID | None, sort: str, words: Sequence[str]
) -> Any:
    narrow = Narrow(await asked.open_file(), None, subject, organization, asked.active, words)
    listing = storage.contacts(asked.moment, asked.organization_id, narrow, Order.of(sort))
    return await asked.answer(listing, CONTACTS)


async def _relations(
    asked: Asked,
    contact: UUID | None,
    subject: str | None,
    organization: UUID | None,
    kind: str | None,
    sort: str,
    words: Sequence[str],
) -> Any:
    narrow = Narrow(await asked.open_file(), contact, subject, organization, asked.active, words, kind)
    order = Order.of(sort)
    if order.column == "type":
        types = asked.call.tools.agency.relation_types
        order = Order.of(sort, _ranked({code: type_name(asked.call, code) for code in types}))
    listing = storage.relations(asked.moment, asked.organization_id, narrow, order)
    return await asked.answer(listing, RELATIONS)


async def _authorizations(
    asked: Asked,
    contact: UUID | None,
    subject: str | None,
    organization: UUID | None,
    sort: str,
    words: Sequence[str],
) -> Any:
    narrow = Narrow(await asked.open_file(), contact, subject, organization, asked.active, words)
    order = Order.of(sort, _ranks(asked.call, sort.removeprefix("-")))
    listing = authorizations(asked.moment, asked.organization_id, narrow, order)
    return await asked.answer(listing, AUTHORIZATIONS)


def _ranks(call: Call[Tools], column: str) -> Sequence[str]:
    """The codes of a column as its names follow one another in the reader's language."""
    agency, language = call.tools.agency, call.language
    match column:
        case "subject":
            return _ranked({code: subject.name.in_(language) for code, subject in agency.subjects.items()})
        case "function":
            return ["", *_ranked({code: kind.name.in_(language) for code, kind in agency.relation_types.items()})]
        case "level":
            return LEVELS
        case "active":
            return NO_AND_YES
        case _:
            return ()


def _ranked(names: Mapping[str, str]) -> list[str]:
    return sorted(names, key=lambda code: (names[code].casefold(), code))
