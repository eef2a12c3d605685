"""/v1/registrations."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, Field

from chassis.fields import Body, Email, Name, Reference, Secret
from chassis.gateway import router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from contracts.events import Language
from services.accounts import passwords
from services.accounts.codes import SubmittedCode, SubmittedToken
from services.accounts.people.api import asked
from services.accounts.people.fields import Told
from services.accounts.registrations import domain, handlers
from services.accounts.sessions.api import Tokens
from services.accounts.tools import AccountsCall, client_of, host_of

routes = router()


class RegistrationBody(Body):
    """Who wants an account. `terms_version` is the one that was shown, from GET /v1/terms.

    `door` and `portal`, at whose address the person is, are of GET /v1/registration-notice; the first when absent.
    """

    email: Annotated[Email, Field(repr=False, examples=["responsable@laforce.example"])]
    password: Secret
    given_name: Annotated[Name, Field(repr=False)]
    family_name: Annotated[Name, Field(repr=False)]
    language: Language
    terms_version: Reference
    door: Reference | None = None
    portal: Reference | None = None
    fields: Told = Field(default_factory=dict, description="What else the agency asks, by code.")


class AcceptedRegistration(BaseModel):
    """One mail is on its way. Ask GET /v1/deliveries/{delivery_handle} what became of it."""

    registration_id: UUID
    delivery_handle: str
    expires_at: datetime = Field(description="When the code or the link in the mail stops working.")
    resend_after: datetime = Field(description="From when on another mail may be asked for.")

    @classmethod
    def of(cls, accepted: domain.Accepted) -> "AcceptedRegistration":
        """As the caller sees it."""
        return cls(
            registration_id=accepted.registration_id,
            delivery_handle=accepted.delivery_handle,
            expires_at=accepted.expires_at,
            resend_after=accepted.resend_after,
        )


class VerificationBody(Body):
    """The one-time code of the latest mail; or the token of its link, with the password that was chosen.

    The link's fragment is the registration's id, a full stop, and the token: the page needs nothing else, and so may
    stand in another browser than the one in which the person registered.
    """

    code: SubmittedCode | None = Field(default=None, repr=False)
    token: SubmittedToken | None = Field(default=None, repr=False)
    password: Annotated[str, Field(min_length=1, max_length=512)] | None = Field(default=None, repr=False)


@routes.post("/v1/registrations", summary="Ask for an account", tags=["registration"], status_code=202)
async def register(call: AccountsCall, request: Request, body: RegistrationBody) -> AcceptedRegistration:
    """Answers the same for every address; one mail goes to it, with a code or with the news that it has an account.

    Takes no Idempotency-Key: a fast digest of a body with a password in it must not be kept. Repeating is harmless, and
    the first registration to be verified wins.

    Problems: terms_not_current, unknown_door, door_has_issuer, password_refused, invalid_request (422; also for a
    portal, or a field of the agency's own), too_many_attempts (429).
    """
    told = asked(call, body.fields, whole=True)
    await call.run(handlers.admit, handlers.Attempt(host_of(request), body.terms_version, body.door, body.portal))
    password = passwords.normalized(body.password)
    if refusal := passwords.refusal(call.tools.agency, password, body.email, body.given_name, body.family_name):
        raise ProblemRaised(refusal)
    command = handlers.Register(
        host=host_of(request),
        email=body.email,
        password_hash=await call.tools.hasher.hash(password),
        given_name=body.given_name,
        family_name=body.family_name,
        language=body.language,
        terms_version=body.terms_version,
        door=body.door,
        portal=body.portal,
        fields=told,
    )
    return AcceptedRegistration.of(await call.run(handlers.register, command))


@routes.post(
    "/v1/registrations/{registration_id}/verification",
    summary="Submit the one-time code, or the link's token with the password",
    tags=["registration"],
    status_code=201,
)
async def verify(call: AccountsCall, request: Request, registration_id: UUID, body: VerificationBody) -> Tokens:
    """Opens the account and a first session. Which of both a registration takes is the agency's data's choice.

    Problems: code_refused, confirmation_refused (422; the same for a wrong, expired or spent code or token, a wrong
    password, an unknown registration, a known address), too_many_attempts (429; tokens).
    """
    match (body.code, body.token, body.password):
        case (str(code), None, None):
            command = handlers.Verify(registration_id, code, client_of(request))
            return Tokens.of(await call.run(handlers.verify, command, opens=True))
        case (None, str(token), str(password)):
            confirmation = handlers.Confirmation(registration_id, token, client_of(request))
            expected = await call.run(handlers.begin_confirmation, confirmation)
            right = await call.tools.hasher.verify(expected, passwords.normalized(password))
            confirmed = handlers.Confirm(confirmation, expected, right)
            return Tokens.of(await call.run(handlers.confirm, confirmed, opens=True))
        case _:
            raise ProblemRaised(Refusal("invalid_request", fields=("code", "token", "password")))


@routes.post(
    "/v1/registrations/{registration_id}/resend", summary="Ask for another code", tags=["registration"], status_code=202
)
async def resend(call: AccountsCall, request: Request, registration_id: UUID) -> AcceptedRegistration:
    """Kills the code or link before it; wrong tries stay counted. Unknown registrations are answered alike.

    Problems: resend_too_soon (429, Retry-After), registration_exhausted (409), too_many_attempts (429).
    """
    return AcceptedRegistration.of(await call.run(handlers.resend, handlers.Resend(registration_id, host_of(request))))
