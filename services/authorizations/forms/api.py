"""GET /v1/forms, for the chosen profile, and for agents."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from chassis.gateway import router
from contracts.agency import Agency, Text
from contracts.agency.forms import FORM_KINDS, Form, FormKind
from contracts.agency.links import Link
from contracts.events import Language, Level
from contracts.problems import word
from services.authorizations.access.domain import AsAgent
from services.authorizations.attachments.domain import MEDIA_TYPES
from services.authorizations.forms.domain import Choice, FieldAsked, Offer
from services.authorizations.instants import today
from services.authorizations.mandates import storage as mandates
from services.authorizations.organizations import storage as organizations
from services.authorizations.profile import Asking, AuthorizationsCall

routes = router()

LEVELS: tuple[Level, ...] = ("read", "write")


class ChoiceView(BaseModel):
    """A value that a field may take, in words; `link` leads to an article that says more."""

    code: str
    label: str
    help: str | None
    link: str | None
    kinds: list[str] = Field(
        description="Kinds of organizations acted for that it exists for; none: it depends on none."
    )
    why_not_delegable: str | None = Field(description="Why it cannot be passed on to a contact, where it cannot be.")
    outcomes: list[str] = Field(description="Of a decision’s reason: the outcomes that it may be given for.")
    services: list[str] = Field(description="Of a role: the services for which somebody may be mandated in it.")


class LevelView(BaseModel):
    """A level at which a subject may be chosen."""

    code: Level
    label: str


class TerritoryView(BaseModel):
    """Where a telephone may be, and the country code that its number begins with."""

    calling_code: str
    name: str


class FieldView(BaseModel):
    """A field of a form; `code` is its path in the request's body, `when` the case in which it is asked for."""

    code: str
    label: str
    help: str | None
    link: str | None
    kind: str
    required: bool
    when: str | None
    default: str | None = Field(description="What the form shows at first: a code, or a date.")
    choices: str | None
    options: list[ChoiceView]
    choices_at: str | None = Field(
        description="Where the choices are listed, with filters and search; {contact_id} is the contact concerned."
    )
    levels: list[LevelView] = Field(description="At which level each choice is made, where the choices are subjects.")
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
    """A form of the service catalogue: `attachments` where files may go with it."""

    code: str
    kind: str
    request_kind: str | None = Field(description="Of a decision: the kind of request that it decides.")
    sent_to: list[str] = Field(
        description="Method and path of the routes that take it, the first for somebody new; in braces, what is chosen."
    )
    category: str
    category_name: str
    title: str
    help: str
    link: str | None
    about_at: str | None = Field(description="Where the contacts, requests or blocks are listed that it may be about.")
    fields: list[FieldView]
    attestations: list[StatementView]
    attachments: AttachmentsOfFormView | None


class FormsView(BaseModel):
    """The forms that the caller may use."""

    items: list[FormView]
    total: int


@routes.get("/v1/forms", summary="The forms the chosen profile, or an agent, may use")
async def forms(
    asker: Asking,
    call: AuthorizationsCall,
    code: Annotated[str | None, Query(max_length=64, description="Only the form with this code.")] = None,
    kind: Annotated[FormKind | None, Query(description="Only forms of this kind.")] = None,
) -> FormsView:
    """Titles, help, fields, choices, defaults and attestations in the caller's language.

    Only what the profile's organization can choose: its relation types, kinds of clients and subjects. Who does not
    manage it gets none, but whoever has a mandate there in force, or to come: the form that revokes it. An agent gets
    what agents may do to any organization; which one fills in `{organization_id}`, and `kinds` says what fits it.
    """
    agency, day = call.tools.agency, today(call)
    if isinstance(asker.acting, AsAgent):
        offer = Offer(agency, None, None, day)
    else:
        acting = asker.acting
        async with call.gateway.unit.pool.acquire() as connection:
            if not asker.manages and not await mandates.is_delegate(connection, acting.contact_id, day):
                return FormsView(items=[], total=0)
            home = await organizations.one(connection, acting.organization_id)
        offer = Offer(agency, home.organization_id, home.kind, day)
    items = [
        _form(agency, offer, form, call.language)
        for form in offer.forms()
        if (asker.manages or FORM_KINDS[form.kind].for_delegates)
        and code in (None, form.code)
        and kind in (None, form.kind)
    ]
    return FormsView(items=items, total=len(items))


def _form(agency: Agency, offer: Offer, form: Form, language: Language) -> FormView:
    rule = agency.attachment_rule
    files = AttachmentsOfFormView(
        most=rule.most, largest_bytes=rule.largest_bytes, media_types=list(MEDIA_TYPES.values())
    )
    return FormView(
        code=form.code,
        kind=form.kind,
        request_kind=form.request,
        sent_to=offer.sent_to(form),
        category=form.category,
        category_name=agency.categories[form.category].name.in_(language),
        title=form.title.in_(language),
        help=form.help.in_(language),
        link=_said(form.link, language),
        about_at=offer.about_at(form),
        fields=[_field(asked, language) for asked in offer.fields(form)],
        attestations=[
            StatementView(code=code, version=statement.version, text=statement.text.in_(language))
            for code in form.attestations
            for statement in [agency.attestations[code]]
        ],
        attachments=files if form.attachments else None,
    )


def _field(asked: FieldAsked, language: Language) -> FieldView:
    field = asked.field
    return FieldView(
        code=field.code,
        label=field.label.in_(language),
        help=_said(field.help, language),
        link=_said(field.link, language),
        kind=field.kind,
        required=asked.required,
        when=field.when,
        default=asked.default,
        choices=field.choices,
        options=_options(asked.choices, language),
        choices_at=asked.choices_at,
        levels=[LevelView(code=level, label=word(f"level_{level}", language)) for level in LEVELS]
        if field.choices == "subjects" and asked.choices
        else [],
        territories=[
            TerritoryView(calling_code=territory.calling_code, name=territory.name.in_(language))
            for territory in field.territories
        ],
    )


def _options(choices: Iterable[Choice], language: Language) -> list[ChoiceView]:
    return [
        ChoiceView(
            code=choice.code,
            label=choice.label.in_(language),
            help=_said(choice.help, language),
            link=_said(choice.link, language),
            kinds=list(choice.kinds),
            why_not_delegable=_said(choice.why_not_delegable, language),
            outcomes=list(choice.outcomes),
            services=list(choice.services),
        )
        for choice in choices
    ]


def _said(text: Text | Link | None, language: Language) -> str | None:
    return text.in_(language) if text is not None else None
