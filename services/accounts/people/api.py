"""GET and PATCH /v1/account."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from chassis.fields import Body, Name
from chassis.gateway import PersonCaller, router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised, field_errors
from chassis.versions import IfMatch, etag, stated_version
from contracts.agency import Agency
from contracts.events import Language
from services.accounts.people import fields, handlers
from services.accounts.people.domain import Status
from services.accounts.people.fields import Told
from services.accounts.tools import AccountsCall

routes = router()


class OwnAccount(BaseModel):
    """The caller's account. The ETag is its version."""

    account_id: UUID
    status: Status
    email: str = Field(examples=["responsable@laforce.example"])
    given_name: str
    family_name: str
    language: Language
    terms_version: str = Field(description="The terms of use that the person accepted.", examples=["2026-01"])
    terms_accepted_at: datetime
    terms_current: bool = Field(description="Whether that is the version in force.")
    opened_at: datetime
    door: str = Field(description="By which of the agency's doors it was opened.", examples=["clients"])
    portal: str = Field(description="At which of the agency's addresses it began; mails lead there.", examples=["nt"])
    fields: dict[str, str | None] = Field(
        description="What else the agency asks, by code: GET /v1/registration-notice words it."
    )

    @classmethod
    def of(cls, own: handlers.OwnAccount, agency: Agency, response: Response) -> "OwnAccount":
        """As the person sees it; the response gets the ETag."""
        response.headers["ETag"] = etag(own.account.version)
        return cls(
            account_id=own.account.account_id,
            status=own.account.status,
            email=own.person.email,
            given_name=own.person.given_name,
            family_name=own.person.family_name,
            language=own.person.language,
            terms_version=own.account.terms_version,
            terms_accepted_at=own.account.terms_accepted_at,
            terms_current=own.account.terms_version == agency.terms.version,
            opened_at=own.account.opened_at,
            door=own.account.door or agency.first_door.code,
            portal=agency.profile.portal(own.person.portal).code,
            fields={
                **{field.code: None for field in agency.accounts.registration_fields if field.until is None},
                **own.person.fields,
            },
        )


def asked(call: AccountsCall, told: Mapping[str, str | None], *, whole: bool = False) -> Mapping[str, str | None]:
    """What was told of the agency's own fields, as it is kept; `whole`: nothing required may be absent.

    Raises ProblemRaised invalid_request, which names each field at fault.
    """
    today = call.gateway.unit.origin.clock().astimezone(call.tools.agency.profile.zone).date()
    known = call.tools.agency.accounts.fields_on(today)
    given = fields.normalized(known, told)
    found = list(fields.faults(known, {**given, **fields.absent(known, given)} if whole else given))
    if found:
        raise ProblemRaised(Refusal("invalid_request"), field_errors(found, call.language))
    return given


class OwnChanges(Body):
    """What is absent stays. The address changes by POST /v1/account/email-changes."""

    given_name: Name | None = Field(default=None, repr=False)
    family_name: Name | None = Field(default=None, repr=False)
    language: Language | None = Field(default=None, description="Of the mails.")
    fields: Told = Field(default_factory=dict, description="Null empties one that is not required.")


@routes.get("/v1/account", summary="One's own account", tags=["account"])
async def show(call: AccountsCall, caller: PersonCaller, response: Response) -> OwnAccount:
    """For a person's token only."""
    own = await call.run(handlers.show, caller.account_id)
    return OwnAccount.of(own, call.tools.agency, response)


@routes.patch("/v1/account", summary="Correct one's name or language", tags=["account"])
async def change(
    call: AccountsCall, caller: PersonCaller, body: OwnChanges, response: Response, if_match: IfMatch = None
) -> OwnAccount:
    """With the ETag of GET /v1/account in If-Match.

    Problems: precondition_required (428), precondition_failed (412; the account has changed since it was read),
    invalid_request (422; what the agency does not ask, or does not take).
    """
    told = asked(call, body.fields)
    command = handlers.Change(
        caller.account_id, stated_version(if_match), body.given_name, body.family_name, body.language, told
    )
    own = await call.run(handlers.change, command)
    return OwnAccount.of(own, call.tools.agency, response)
