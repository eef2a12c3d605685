"""The mails about claims: to those who decide, to whoever claimed, and to the address on file."""

from typing import Any
from uuid import UUID

from chassis.work import Work
from contracts.notifications import (
    AccessDecidedMail,
    AccessRequestedMail,
    AccessRequestWaitingMail,
    ClaimUndecidedMail,
)
from services.authorizations import mailing
from services.authorizations.claims.domain import AskedAccess, Claim
from services.authorizations.contacts import storage as contacts
from services.authorizations.mailing.budgets import Bound
from services.authorizations.managing.questions import who_can_act
from services.authorizations.organizations import storage as organizations
from services.authorizations.personal.domain import Personal
from services.authorizations.personal.storage import descriptions
from services.authorizations.relations import storage as relations
from services.authorizations.requests.domain import GivenAccess, Request, Told
from services.authorizations.tools import Tools


async def tell_deciders(work: Work[Tools], request: Request, reminder: int | None = None) -> None:
    """Tell each who manages the organization; where agents decide, the address on file, and whom they pass over.

    A `reminder` comes so many days before the last one, and never to the address on file.
    """
    assert request.organization_id is not None and request.asked_by_account_id is not None
    organization = await organizations.one(work.connection, request.organization_id)
    claimant = await _person(work, request.asked_by_account_id)
    if claimant is None or claimant.email is None:
        return
    asked = AskedAccess.model_validate(request.asked)
    said: dict[str, Any] = {
        "capacity": asked.capacity,
        "lapses_on": request.lapses_on,
        "claimant_name": _name(claimant),
        "claimant_email": claimant.email,
    }
    once = f"access_request:{request.request_id}:{request.version}:{request.decider}"
    if request.decider == "organization":
        for contact in await who_can_act(work, request.organization_id):
            reader, again = mailing.to(contact.contact_id, contact), f"{once}:{reminder or ''}:{contact.contact_id}"
            if reminder is None:
                await mailing.tell(
                    work, AccessRequestedMail, reader, organization, bound="strangers", once=again, **said
                )
            else:
                await mailing.tell(
                    work, AccessRequestWaitingMail, reader, organization, bound="strangers", once=again, **said
                )
    elif reminder is None:
        passed_over = await who_can_act(work, request.organization_id)
        bound: Bound = "warnings" if asked.proven else "strangers"  # who has the code may be the one in the right
        for to in (mailing.to_file(organization), *(mailing.to(one.contact_id, one) for one in passed_over)):
            await mailing.tell(
                work, ClaimUndecidedMail, to, organization, bound=bound,
                once=f"{once}:{to.recipient_id}", keeps=mailing.WARNING_KEEPS, **said,
            )  # fmt: skip


async def decided(work: Work[Tools], request: Request, outcome: Told, reason: str | None) -> None:
    """Tell whoever asked how it ended; with the function and the subjects that they have now, if any."""
    organization_id, account_id = request.organization_id, request.asked_by_account_id
    assert organization_id is not None and account_id is not None
    function, subjects = await _held(work, organization_id, account_id)
    await _tell_claimant(
        work, organization_id, account_id, f"request:{request.request_id}",
        outcome=outcome, function=function, subjects=subjects, decision_reason=reason or "",
    )  # fmt: skip


async def appointed(work: Work[Tools], claim: Claim, access: GivenAccess) -> None:
    """Tell whoever claimed that nobody had to be asked: the person manages the organization."""
    await _tell_claimant(
        work, claim.organization_id, claim.account_id, f"claim:{claim.claim_id}",
        outcome="approve", function=access.type, subjects=tuple(chosen.grant.subject for chosen in access.subjects),
    )  # fmt: skip


async def refused(work: Work[Tools], claim: Claim) -> None:
    """Tell whoever claimed that it was refused, and not why."""
    await _tell_claimant(work, claim.organization_id, claim.account_id, f"claim:{claim.claim_id}", outcome="reject")


async def _tell_claimant(work: Work[Tools], organization_id: UUID, account_id: UUID, about: str, **said: Any) -> None:
    person = await _person(work, account_id)
    if person is not None:
        organization = await organizations.one(work.connection, organization_id)
        await mailing.tell(
            work, AccessDecidedMail, mailing.to(account_id, person), organization,
            bound="own_doing", once=f"access_decided:{about}", keeps=mailing.WARNING_KEEPS, **said,
        )  # fmt: skip


async def _held(work: Work[Tools], organization_id: UUID, account_id: UUID) -> tuple[str | None, tuple[str, ...]]:
    """The newest function of the account in the organization, and its subjects."""
    contact_id = await contacts.of_account(work.connection, organization_id, account_id)
    if contact_id is None:
        return None, ()
    memberships = await relations.memberships_of(work.connection, contact_id)
    standing = [membership for membership in memberships if not membership.is_over(work.today)]
    if not standing:
        return None, ()
    newest = standing[-1]
    rights = await relations.rights_of(work.connection, newest.relation_id)
    return newest.type, tuple(right.subject for right in rights)


async def _person(work: Work[Tools], account_id: UUID) -> Personal | None:
    return (await descriptions(work.connection, [account_id])).get(account_id)


def _name(person: Personal) -> str:
    return f"{person.given_name} {person.family_name}"
