"""Which profile a caller has chosen, and whose file it may look at."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request

from chassis import described
from chassis.gateway import Call, admits, authenticate
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from chassis.tokens import Agent, Caller, Person
from services.authorizations.access import storage as access
from services.authorizations.access.domain import Acting, AsAccount, AsAgent, AsProfile
from services.authorizations.access.handlers import note_view
from services.authorizations.tools import Tools

AuthorizationsCall = Annotated[Call[Tools], Depends(Call)]
PROFILE = "The chosen profile: the contact_id of one of the caller's profiles."

OptionalProfile = Annotated[
    UUID | None, Header(alias="Mandat-Profile", description=f"{PROFILE} Without one: what the account asked itself.")
]


async def _chosen(
    request: Request,
    call: AuthorizationsCall,
    caller: Annotated[Person, Depends(admits(Person))],
    profile: Annotated[
        UUID | None,
        Header(alias="Mandat-Profile", description=PROFILE, json_schema_extra=described.REFUSED_WITHOUT),
    ] = None,
) -> Acting:
    return await _acting(request, call, caller, profile)


async def _acting(request: Request, call: Call[Tools], caller: Person, profile: UUID | None) -> Acting:
    if profile is None:
        raise ProblemRaised(Refusal("profile_required", fields=("Mandat-Profile",)))
    unit = call.gateway.unit
    moment = unit.tools.moment(unit.origin.clock())
    async with unit.pool.acquire() as connection:
        acting = await access.acting(connection, moment.at, moment.day, caller.account_id, profile)
        if acting is None and not await access.all_heard_of(connection, [caller.account_id]):
            # Its link may be known already: Mandat-After of a link names nothing of the account that opened before it.
            raise ProblemRaised(Refusal("account_not_yet_known", retry_after=1))
    if acting is None:
        raise ProblemRaised(Refusal("profile_not_yours"))
    request.state.profile_id, request.state.organization_id = profile, acting.organization_id
    return acting


@dataclass(frozen=True)
class Asker:
    """Who looks or asks: a person through a profile, as it may act at this moment, or an agent."""

    acting: Acting | AsAgent
    manages: bool

    @property
    def is_agent(self) -> bool:
        """Whether an agent looks or asks."""
        return isinstance(self.acting, AsAgent)

    @property
    def by(self) -> AsProfile | AsAgent:
        """Who asks, for a handler that re-reads what it may do."""
        return self.acting if isinstance(self.acting, AsAgent) else as_profile(self.acting)

    async def open_file(self, call: Call[Tools], organization_id: UUID) -> UUID | None:
        """Look at what an organization's file shows; an agent's look is audited.

        Returns the one contact whose rows may be shown, None for all. Raises ProblemRaised when none may.
        """
        if isinstance(self.acting, AsAgent):
            await call.run(note_view, organization_id)
            return None
        if self.acting.organization_id != organization_id:
            raise ProblemRaised(Refusal("not_found"))
        return None if self.manages else self.acting.contact_id

    async def open_managed_file(self, call: Call[Tools], organization_id: UUID) -> None:
        """The same of what is shown to those who manage the organization alone, and to agents."""
        if await self.open_file(call, organization_id) is not None:
            raise ProblemRaised(Refusal("not_permitted"))


async def _asking(
    request: Request,
    call: AuthorizationsCall,
    caller: Annotated[Caller, Depends(admits(Person, Agent))],
    profile: Annotated[UUID | None, Header(alias="Mandat-Profile", description=f"{PROFILE} A person needs it.")] = None,
) -> Asker:
    if isinstance(caller, Agent):
        return Asker(AsAgent(), manages=True)
    assert isinstance(caller, Person)
    acting = await _acting(request, call, caller, profile)
    return Asker(acting, call.tools.manages(acting))


async def _looking(
    request: Request,
    call: AuthorizationsCall,
    caller: Annotated[Caller, Depends(admits(Person, Agent))],
    profile: OptionalProfile = None,
) -> Acting | AsAccount | AsAgent:
    if isinstance(caller, Agent):
        return AsAgent()
    assert isinstance(caller, Person)
    return AsAccount(caller.account_id) if profile is None else await _acting(request, call, caller, profile)


async def _withdrawing(
    request: Request,
    call: AuthorizationsCall,
    caller: Annotated[Person, Depends(admits(Person))],
    profile: OptionalProfile = None,
) -> AsProfile | AsAccount:
    if profile is None:
        return AsAccount(caller.account_id)
    return as_profile(await _acting(request, call, caller, profile))


async def _signed_in(
    request: Request,
    call: AuthorizationsCall,
    profile: Annotated[
        UUID | None, Header(alias="Mandat-Profile", description=f"{PROFILE} The professional’s.")
    ] = None,
    authorization: Annotated[
        str | None,
        Header(description="A person’s access token: the professional’s; with a mail’s token it may be left out."),
    ] = None,
) -> tuple[Person | None, UUID | None]:
    if authorization is None:
        return None, None
    caller = await authenticate(request, call.gateway.verifier)
    if not isinstance(caller, Person):
        raise ProblemRaised(Refusal("wrong_kind_of_caller"))
    request.state.caller = caller
    request.state.profile_id = profile
    return caller, profile


async def _acting_if_any(
    request: Request,
    call: AuthorizationsCall,
    signed_in: Annotated[tuple[Person | None, UUID | None], Depends(_signed_in)],
) -> Acting | None:
    person, profile = signed_in
    return None if person is None or profile is None else await _acting(request, call, person, profile)


async def _managing(call: AuthorizationsCall, acting: Annotated[Acting, Depends(_chosen)]) -> Acting:
    if not call.tools.manages(acting):
        raise ProblemRaised(Refusal("not_permitted"))
    return acting


Asking = Annotated[Asker, Depends(_asking)]
"""A person through a profile, or an agent."""


Looking = Annotated[Acting | AsAccount | AsAgent, Depends(_looking)]
"""The same, and a person without a profile, about what the account asked itself."""

Withdrawing = Annotated[AsProfile | AsAccount, Depends(_withdrawing)]
"""A person, through a profile or without one."""

SignedIn = Annotated[tuple[Person | None, UUID | None], Depends(_signed_in)]
"""Whoever is signed in, if anybody, and the profile that was chosen."""

ActingIfAny = Annotated[Acting | None, Depends(_acting_if_any)]
"""The chosen profile of whoever is signed in; None for one who comes by a mail's token."""

Profile = Annotated[Acting, Depends(_chosen)]
Manager = Annotated[Acting, Depends(_managing)]
"""A profile that manages its organization."""


def as_reporter(looker: Acting | AsAccount | AsAgent) -> AsProfile | AsAccount | AsAgent:
    """Who asks, with or without a profile, for a handler that re-reads what it may do."""
    return as_profile(looker) if isinstance(looker, Acting) else looker


def as_profile(acting: Acting) -> AsProfile:
    """Who asks, for a handler that re-reads what the profile may do."""
    return AsProfile(acting.account_id, acting.contact_id)
