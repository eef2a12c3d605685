"""The gateway of links: linking an account, the profiles it has."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Response, status
from pydantic import BaseModel, Field

from chassis.fields import Body, line
from chassis.gateway import ONCE, PersonCaller, router
from chassis.slowing import evenly
from contracts.agency.linking import (
    FormerCredential,
    LinkedFile,
    LinkingCoordinates,
    LinkingMethod,
    OrganizationCode,
)
from contracts.events import Code, Language
from services.linking.claims import gateway as claims
from services.linking.claims.handlers import ClaimOrganization
from services.linking.claims.views import ClaimView
from services.linking.coordinates.handlers import RedeemCoordinates, redeem_coordinates
from services.linking.former_credentials.domain import LeftOut
from services.linking.former_credentials.gateway import redeem_former_credential
from services.linking.former_credentials.redeeming import ShowLeftOut, show_left_out
from services.linking.links.domain import Profile
from services.linking.links.handlers import ShowLinks, Unlink, list_profiles, show_links, unlink
from services.linking.methods.asked import (
    LONGEST_ORGANIZATION_NAME,
    LONGEST_PASSWORD,
    LONGEST_USER_NAME,
    Typed,
    method_of,
)
from services.linking.organization_codes.proving import Typed as OrganizationTyped
from services.linking.tools import LinkingCall, Tools

routes = router()


class LinkBody(Body):
    """The method's code, and the fields that GET /v1/linking-methods lists for it; no others."""

    method: Code
    client_number: Annotated[Typed | None, Field(examples=["3000001"])] = None
    linking_code: Annotated[
        Typed | None,
        Field(repr=False, description="Case, spaces and hyphens do not matter.", examples=["7K3M-9QZP-2H4X-G"]),
    ] = None
    user_name: Annotated[Annotated[str, line(LONGEST_USER_NAME)] | None, Field(repr=False)] = None
    password: Annotated[
        Annotated[str, Field(min_length=1, max_length=LONGEST_PASSWORD)] | None,
        Field(repr=False, description="As typed: its spaces count."),
    ] = None
    organization_name: Annotated[str, line(LONGEST_ORGANIZATION_NAME)] | None = None
    organization_number: Typed | None = None
    organization_code: Annotated[Typed | None, Field(repr=False)] = None
    payroll: Annotated[Typed | None, Field(repr=False)] = None
    capacity: Code | None = None


class OrganizationView(BaseModel):
    """An organization as its own members know it."""

    organization_id: UUID
    number: str
    name: str


class FunctionView(BaseModel):
    """A function in force today, in the caller's language."""

    code: str
    name: str


class ProfileView(BaseModel):
    """A contact that the account is. Choose it by sending its contact_id in the header Mandat-Profile."""

    link_id: UUID
    contact_id: UUID
    organization: OrganizationView
    functions: list[FunctionView] = Field(description="Those in force today; empty while there is none.")
    active: bool = Field(description="Whether its organization is active and it has a function there today.")
    manages: bool = Field(description="Whether it may manage contacts and relations of its organization today.")
    linked_at: datetime


class Profiles(BaseModel):
    """Every profile of the account, by the organization's name."""

    items: list[ProfileView]
    total: int


class NotLinkedView(BaseModel):
    """A file that a former credential stood for and that was not linked: whose, as far as known, and why."""

    organization_number: str | None
    organization_name: str | None
    reason: Literal["already_linked", "other_profile_here", "other_door", "not_active", "unknown"]
    message: str = Field(description="Why, and what to do, in the caller's language.")


class LinkView(BaseModel):
    """The links just made, and what the agency says to the person; `link_id` and `profile` are the first one's."""

    link_id: UUID
    profile: ProfileView
    profiles: list[ProfileView] = Field(description="All that were linked; a former credential may link several.")
    not_linked: list[NotLinkedView] = Field(description="What else a former credential stood for; mostly nothing.")
    message: str


@routes.post(
    "/v1/links",
    status_code=status.HTTP_201_CREATED,
    summary="Link the account to a contact",
    dependencies=[ONCE],
    tags=["links"],
    responses={
        202: {"model": ClaimView, "description": "A claim was received: authorizations decides it."},
        409: {
            "description": (
                "account_not_yet_known: the account opened a moment ago; the same request again."
                " claim_pending, linked_here: about the account itself, with a `next`."
            )
        },
        422: {"description": "link_refused: the same answer whatever is wrong with what was typed."},
        429: {"description": "too_many_attempts: wait as long as Retry-After says."},
        503: {"description": "unavailable: the agency's directory did not answer. Nothing was counted; try again."},
    },
)
async def link(body: LinkBody, caller: PersonCaller, call: LinkingCall, response: Response) -> LinkView | ClaimView:
    """Redeem what the agency sent, or a former credential: 201; or claim an organization, which others decide: 202.

    Takes Idempotency-Key; answers Location and Mandat-After. Of a claim, Location is where to wait for the decision.
    """
    method = method_of(body, call)
    async with evenly("link_refused", made_too=isinstance(method, OrganizationCode)):
        made = await _redeem(body, method, caller.account_id, call)
    if isinstance(method, OrganizationCode):
        response.status_code = status.HTTP_202_ACCEPTED
        response.headers["Location"] = f"/v1/claims/{made}"
        return await claims.shown(call, caller.account_id, made)
    link_id = made
    linked = await call.run(show_links, ShowLinks(caller.account_id, link_id))
    left_out = await call.run(show_left_out, ShowLeftOut(link_id))
    response.headers["Location"] = "/v1/profiles"
    profiles = [_profile(profile, call.tools, call.language) for profile in linked]
    files = [LinkedFile(profile.organization.name, profile.organization.number) for profile in linked]
    return LinkView(
        link_id=link_id,
        profile=profiles[0],
        profiles=profiles,
        not_linked=[_left_out(one, call.tools, call.language) for one in left_out],
        message=method.success_message(call.language, files),
    )


async def _redeem(body: LinkBody, method: LinkingMethod, account_id: UUID, call: LinkingCall) -> UUID:
    match method:
        case LinkingCoordinates():
            command = RedeemCoordinates(account_id, method, body.client_number or "", body.linking_code or "")
            return await call.create(redeem_coordinates, command, lambda linked: linked.link_id)
        case FormerCredential():
            user_name, password = body.user_name or "", body.password or ""
            return await redeem_former_credential(call, account_id, method, user_name, password)
        case OrganizationCode():
            named = OrganizationTyped(
                body.organization_name or "", body.organization_number or "", body.organization_code, body.payroll
            )
            return await claims.claim(call, ClaimOrganization(account_id, method, named, body.capacity or ""))


@routes.get("/v1/profiles", summary="The account's profiles", tags=["profiles"])
async def profiles(caller: PersonCaller, call: LinkingCall) -> Profiles:
    """Every contact that the account is now. A portal lets the person choose one before anything else."""
    found = await call.run(list_profiles, caller.account_id)
    return Profiles(items=[_profile(profile, call.tools, call.language) for profile in found], total=len(found))


@routes.delete(
    "/v1/links/{link_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="End a link of the account",
    tags=["links"],
)
async def end_link(link_id: UUID, caller: PersonCaller, call: LinkingCall) -> None:
    """The account is no longer the contact, which keeps its rights; a new code links it again, to any account.

    Ending it again changes nothing. Answers Mandat-After.
    """
    await call.run(unlink, Unlink(caller.account_id, link_id))


def _left_out(left_out: LeftOut, tools: Tools, language: Language) -> NotLinkedView:
    support = tools.agency.profile.support_email
    return NotLinkedView(
        organization_number=left_out.organization_number,
        organization_name=left_out.organization_name,
        reason=left_out.why,
        message=tools.agency.texts.word(f"not_linked_{left_out.why}", language, support=support),
    )


def _profile(profile: Profile, tools: Tools, language: Language) -> ProfileView:
    organization = profile.organization
    return ProfileView(
        link_id=profile.link_id,
        contact_id=profile.contact_id,
        organization=OrganizationView(
            organization_id=organization.organization_id, number=organization.number, name=organization.name
        ),
        functions=[FunctionView(code=code, name=tools.function_name(code, language)) for code in profile.functions],
        active=profile.active,
        manages=profile.manages,
        linked_at=profile.linked_at,
    )
