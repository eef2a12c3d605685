"""GET /v1/authorized-files ("Mes dossiers autorisés") and GET /v1/forms, for the chosen profile."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel

from chassis.gateway import Call, router
from contracts.agency import Agency
from contracts.agency.forms import FormField, FormKind
from contracts.events import Level
from contracts.problems import word
from services.authorizations.access import storage
from services.authorizations.access.domain import Entitlement
from services.authorizations.attachments.domain import MEDIA_TYPES
from services.authorizations.granting import last_day
from services.authorizations.lists import storage as lists
from services.authorizations.lists.storage import Order
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.paging import (
    SORT,
    At,
    Cursor,
    Limit,
    PageView,
    RecordedAt,
    SearchBody,
    asked_at,
    page,
    paged,
)
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
    """A subject in force, at its highest level."""

    subject: str
    name: str
    level: Level
    level_name: str
    starts_on: date
    ends_on: date


class AbsentSubjectView(BaseModel):
    """A subject of this organization that the profile does not have because it cannot be delegated, and why."""

    subject: str
    name: str
    why: str


class AuthorizedFileView(BaseModel):
    """One organization that the profile may act for."""

    organization: FileOrganizationView
    functions: list[str]
    subjects: list[FileSubjectView]
    absent: list[AbsentSubjectView]


class ChoiceView(BaseModel):
    """A value of a fixed choice, in words."""

    code: str
    label: str
    help: str | None


class TerritoryView(BaseModel):
    """Where a telephone may be, and the country code that its number begins with."""

    calling_code: str
    name: str


class FieldView(BaseModel):
    """A field of a form; `code` is its path in the request's body, `when` the case in which it is asked for."""

    code: str
    label: str
    help: str | None
    kind: str
    required: bool
    when: str | None
    choices: str | None
    options: list[ChoiceView]
    territories: list[TerritoryView]


class StatementView(BaseModel):
    """A statement to tick, in its current version."""

    code: str
    version: int
    text: str


class AttachmentsOfFormView(BaseModel):
    """Files that may go with a form: how many, how large (bytes), in which formats. POST /v1/attachments takes each."""

    most: int
    largest_bytes: int
    media_types: list[str]


class FormView(BaseModel):
    """A form of the service catalogue; `attachments` where files may go with it."""

    code: str
    kind: str
    category: str
    category_name: str
    title: str
    help: str
    fields: list[FieldView]
    attestations: list[StatementView]
    attachments: AttachmentsOfFormView | None


class FormsView(BaseModel):
    """The forms that the chosen profile may use."""

    items: list[FormView]
    total: int


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


@routes.get("/v1/forms", summary="The forms the chosen profile may use")
async def forms(
    acting: Profile,
    call: AuthorizationsCall,
    code: Annotated[str | None, Query(max_length=64, description="Only the form with this code.")] = None,
    kind: Annotated[FormKind | None, Query(description="Only forms of this kind.")] = None,
) -> FormsView:
    """Titles, help, fields, choices and attestations in the caller's language.

    The relation types that the profile's organization may give stand among the options, each with what it permits.
    """
    agency, today = call.tools.agency, call.tools.moment(call.gateway.unit.origin.clock()).day
    usable = [
        form
        for form in agency.forms.values()
        if call.tools.manages(acting)
        and form.in_force(today)
        and code in (None, form.code)
        and kind in (None, form.kind)
    ]
    async with call.gateway.unit.pool.acquire() as connection:
        home = (await organizations.get(connection, [acting.organization_id]))[acting.organization_id]
    types = _memberships(call, home.kind, today)
    items = [
        FormView(
            code=form.code,
            kind=form.kind,
            category=form.category,
            category_name=agency.categories[form.category].name.in_(call.language),
            title=form.title.in_(call.language),
            help=form.help.in_(call.language),
            fields=[
                _field(call, field, types if form.kind == "addition" and field.choices == "relation_types" else [])
                for field in form.fields
            ],
            attestations=[
                StatementView(code=code, version=statement.version, text=statement.text.in_(call.language))
                for code in form.attestations
                for statement in [agency.attestations[code]]
            ],
            attachments=_attachments(agency) if form.attachments else None,
        )
        for form in usable
    ]
    return FormsView(items=items, total=len(items))


async def _files(asked: "_FilesAsked", words: Sequence[str]) -> PageView[AuthorizedFileView]:
    call, moment, contact_id = asked.call, asked.moment, asked.acting.contact_id
    listing = lists.files(moment, contact_id, words, asked.order)
    found = await page(call, listing, asked.cursor, asked.limit)
    ids = [row["organization_id"] for row in found.rows]
    async with call.gateway.unit.pool.acquire() as connection:
        chains = await storage.of_contact(connection, moment, contact_id, ids)
        named = await organizations.get(connection, ids)
    held = {key: list(some) for key, some in groupby(chains, key=lambda chain: chain.organization_id)}
    files = [_file(call, named[key], held[key], moment.day) for key in ids if key in held]
    return PageView[AuthorizedFileView](**paged(found, files, call.language))


def _attachments(agency: Agency) -> AttachmentsOfFormView:
    rule = agency.attachment_rule
    return AttachmentsOfFormView(
        most=rule.most, largest_bytes=rule.largest_bytes, media_types=list(MEDIA_TYPES.values())
    )


def _memberships(call: Call[Tools], kind: str, day: date) -> list[ChoiceView]:
    """The types of memberships of such an organization, in words."""
    return [
        ChoiceView(
            code=found.code,
            label=found.name.in_(call.language),
            help=found.permits.in_(call.language) if found.permits else None,
        )
        for found in call.tools.agency.relation_types.values()
        if found.shape == "membership" and kind in found.of_kinds and found.in_force(day)
    ]


def _field(call: Call[Tools], field: FormField, found: list[ChoiceView]) -> FieldView:
    def said(text: Any) -> str | None:
        return text.in_(call.language) if text is not None else None

    return FieldView(
        code=field.code,
        label=field.label.in_(call.language),
        help=said(field.help),
        kind=field.kind,
        required=field.required,
        when=field.when,
        choices=field.choices,
        options=found
        or [
            ChoiceView(code=option.code, label=option.label.in_(call.language), help=said(option.help))
            for option in field.options
        ],
        territories=[
            TerritoryView(calling_code=territory.calling_code, name=territory.name.in_(call.language))
            for territory in field.territories
        ],
    )


def _file(call: Call[Tools], organization: OrganizationRow, chains: list[Entitlement], day: date) -> AuthorizedFileView:
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
                level=best[subject.code].level,
                level_name=word(f"level_{best[subject.code].level}", call.language),
                starts_on=valid.starts_on,
                ends_on=last_day(valid),
            )
            for subject in ceiling
            if subject.code in best and (valid := best[subject.code].valid) is not None
        ],
        absent=[
            AbsentSubjectView(
                subject=subject.code,
                name=subject.name.in_(call.language),
                why=subject.why_not_delegable.in_(call.language),
            )
            for subject in ceiling
            if subject.why_not_delegable is not None
            and subject.code not in best
            and any(chain.through is not None for chain in chains)
        ],
    )
