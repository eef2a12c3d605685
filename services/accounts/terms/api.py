"""GET /v1/registration-notice and /v1/terms, and POST /v1/account/terms-acceptances."""

from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import BaseModel, Field

from chassis.fields import Body, Reference
from chassis.gateway import PersonCaller, router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from contracts.agency.accounts import RegistrationField, RegistrationFieldKind
from contracts.events import Language
from services.accounts.people.api import OwnAccount
from services.accounts.terms import handlers
from services.accounts.tools import AccountsCall

routes = router()


class DoorView(BaseModel):
    """One of the agency's doors; with an `issuer` people sign in there, and do not register here."""

    code: str = Field(description="What a registration names.", examples=["clients"])
    name: str
    for_whom: str
    issuer: str | None = Field(description="Whose ID token POST /v1/doors/{code}/sessions takes.")


class PortalView(BaseModel):
    """One of the public addresses of the agency's portal, in the caller's language."""

    code: str = Field(description="What a registration that begins there names.", examples=["nt"])
    name: str
    url: str


class FieldOption(BaseModel):
    """A value that a field may have."""

    code: str
    label: str
    help: str | None


class RegistrationFieldView(BaseModel):
    """Something else that the agency asks, in the caller's language."""

    code: str = Field(description="What a registration names it in `fields`.", examples=["telephone"])
    kind: RegistrationFieldKind
    required: bool
    label: str
    help: str | None
    options: list[FieldOption] = Field(description="Of a field of kind choice.")

    @classmethod
    def of(cls, field: RegistrationField, language: Language) -> "RegistrationFieldView":
        """As the form words it."""
        return cls(
            code=field.code,
            kind=field.kind,
            required=field.required,
            label=field.label.in_(language),
            help=field.help.in_(language) if field.help else None,
            options=[
                FieldOption(
                    code=option.code,
                    label=option.label.in_(language),
                    help=option.help.in_(language) if option.help else None,
                )
                for option in field.options
            ],
        )


class RegistrationNotice(BaseModel):
    """What to know before asking for an account, in the caller's language (Accept-Language)."""

    language: Language
    for_whom: str = Field(description="To be shown above the form: for whom the first door is.")
    doors: list[DoorView] = Field(description="Those in force; the first is that of a registration that names none.")
    portals: list[PortalView] = Field(
        description="Those in use; mails lead to the one that the registration names, or else to the first."
    )
    confirmation: Literal["code", "link"] = Field(
        description="What the mail has: a code to be typed here, or a link whose page asks for the password."
    )
    fields: list[RegistrationFieldView] = Field(description="What else is asked, in the order of the form.")
    terms_version: str = Field(description="The version in force; GET /v1/terms has its text.", examples=["2026-01"])
    shortest_password: int = Field(description="Characters.", examples=[15])
    longest_password: int = Field(description="Characters.", examples=[128])
    lapses_after_days: int | None = Field(
        description="When an account lapses that was never linked to a file; null: never.", examples=[90]
    )


class TermsOfUse(BaseModel):
    """One version of the terms, in the caller's language (Accept-Language)."""

    version: str = Field(examples=["2026-01"])
    in_force: bool = Field(description="Whether this is the version to accept now.")
    language: Language
    text: str = Field(description="Markdown.")


class AcceptanceBody(Body):
    """The version that was shown, from GET /v1/terms."""

    terms_version: Reference


@routes.get("/v1/registration-notice", summary="For whom accounts are", tags=["registration"])
async def notice(call: AccountsCall, response: Response) -> RegistrationNotice:
    """To be shown where somebody may ask for an account, with the rules that the form can tell."""
    agency, language = call.tools.agency, call.language
    unlinked = agency.accounts.unlinked_accounts
    today = call.gateway.unit.origin.clock().astimezone(agency.profile.zone).date()
    _in_language(response, language)
    return RegistrationNotice(
        language=call.language,
        for_whom=agency.first_door.for_whom.in_(language),
        doors=[
            DoorView(
                code=door.code,
                name=door.name.in_(language),
                for_whom=door.for_whom.in_(language),
                issuer=door.issuer.issuer if door.issuer else None,
            )
            for door in agency.doors.values()
            if door.in_force(today)
        ],
        portals=[
            PortalView(code=portal.code, name=portal.name.in_(language), url=portal.url.in_(language))
            for portal in agency.profile.portals
            if portal.in_force(today)
        ],
        confirmation=agency.accounts.confirmation,
        fields=[RegistrationFieldView.of(field, language) for field in agency.accounts.fields_on(today)],
        terms_version=agency.terms.version,
        shortest_password=agency.limits.password.minimum,
        longest_password=agency.limits.password.maximum,
        lapses_after_days=unlinked.lapse_after_days if unlinked else None,
    )


@routes.get("/v1/terms", summary="The terms of use", tags=["registration"])
async def terms(
    call: AccountsCall,
    response: Response,
    version: Annotated[str | None, Query(max_length=20, description="An older one; absent: the one in force.")] = None,
) -> TermsOfUse:
    """To be shown before registering, and again when a new version is in force.

    Problems: not_found (404; no such version).
    """
    agency = call.tools.agency
    found = agency.terms_versions.get(version) if version else agency.terms
    if found is None:
        raise ProblemRaised(Refusal("not_found"))
    _in_language(response, call.language)
    return TermsOfUse(
        version=found.version,
        in_force=found.version == agency.terms.version,
        language=call.language,
        text=found.in_(call.language),
    )


@routes.post("/v1/account/terms-acceptances", summary="Accept the terms in force", tags=["account"], status_code=201)
async def accept(call: AccountsCall, caller: PersonCaller, body: AcceptanceBody, response: Response) -> OwnAccount:
    """The next access token, from POST /v1/sessions/refresh, is good in every service. Repeating changes nothing.

    Problems: terms_not_current (422).
    """
    own = await call.run(handlers.accept, handlers.Accept(caller.account_id, body.terms_version))
    return OwnAccount.of(own, call.tools.agency, response)


def _in_language(response: Response, language: Language) -> None:
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language"
