"""The mails about claims: to those who decide, to whoever claimed, and to the address on file."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from chassis.work import Work
from contracts.notifications import (
    AccessDecidedMail,
    AccessRequestedMail,
    AccessRequestWaitingMail,
    AdministratorContents,
    AdministratorNoticeMail,
    ClaimantContents,
    ClaimUndecidedMail,
    Contents,
)
from services.authorizations import mailing
from services.authorizations.claims.domain import AskedAccess, Claim
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.contacts.managers import managers_of
from services.authorizations.mail_budgets import flooded
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.personal.domain import Personal
from services.authorizations.personal.storage import descriptions
from services.authorizations.relations import storage as relations
from services.authorizations.requests.domain import GivenAccess, Request, Told
from services.authorizations.tools import Tools


async def tell_deciders(work: Work[Tools], request: Request, reminder: int | None = None) -> None:
    """Tell each who manages the organization; where nobody does, and agents decide, the address on file.

    Not a mailbox that has had enough mails about this organization: its owner finds the request in the list. A
    `reminder` comes so many days before the last one, and never to the address on file.
    """
    assert request.organization_id is not None and request.asked_by_account_id is not None
    organization = await _organization(work, request.organization_id)
    claimant = await _person(work, request.asked_by_account_id)
    if claimant is None or claimant.email is None:
        return
    said = {
        "capacity": AskedAccess.model_validate(request.asked).capacity,
        "lapses_on": request.lapses_on,
    }
    who = {"claimant_name": _name(claimant), "claimant_email": claimant.email}
    once = f"access_request:{request.request_id}:{request.version}:{request.decider}"
    if request.decider == "organization":
        for reader, address in await _reachable(work, await managers_of(work, request.organization_id)):
            contents = ClaimantContents(address=address, given_name=reader.given_name, **who)
            again = f"{once}:{reminder or ''}:{reader.contact_id}"
            envelope = mailing.envelope(work, reader.contact_id, reader, contents, organization, once=again)
            if reminder is None:
                work.publish(AccessRequestedMail(**envelope, **said))
            else:
                work.publish(AccessRequestWaitingMail(**envelope, **said))
    elif reminder is None and organization.email is not None:
        if await flooded(work, organization.organization_id, {organization.organization_id: organization.email}):
            return
        contents = ClaimantContents(address=organization.email, given_name="", **who)
        work.publish(ClaimUndecidedMail(**_to_file(work, organization, contents, once), **said))


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


async def notice(work: Work[Tools], organization_id: UUID, contact_id: UUID, relation_id: UUID, function: str) -> None:
    """Tell the address on file, and whoever managed the organization before, who manages it from now on."""
    organization = await _organization(work, organization_id)
    administrator = await contacts.get(work.connection, contact_id)
    assert administrator is not None
    name = f"{administrator.given_name} {administrator.family_name}"
    once = f"administrator_notice:{relation_id}"
    said = {"function": function, "appointed_at": work.now}
    if organization.email is not None:
        contents = AdministratorContents(address=organization.email, given_name="", administrator_name=name)
        work.publish(AdministratorNoticeMail(**_to_file(work, organization, contents, once), **said))
    earlier = await contacts.formerly_with_functions(
        work.connection, work.now, work.today, organization_id, work.tools.managing
    )
    for reader in earlier:
        if reader.email is None or reader.contact_id == contact_id:
            continue
        contents = AdministratorContents(address=reader.email, given_name=reader.given_name, administrator_name=name)
        envelope = mailing.envelope(
            work, reader.contact_id, reader, contents, organization,
            once=f"{once}:{reader.contact_id}", keeps=mailing.WARNING_KEEPS,
        )  # fmt: skip
        work.publish(AdministratorNoticeMail(**envelope, **said))


async def _tell_claimant(work: Work[Tools], organization_id: UUID, account_id: UUID, about: str, **said: Any) -> None:
    person = await _person(work, account_id)
    if person is None or person.email is None:
        return
    contents = Contents(address=person.email, given_name=person.given_name)
    envelope = mailing.envelope(
        work, account_id, person, contents, await _organization(work, organization_id),
        once=f"access_decided:{about}", keeps=mailing.WARNING_KEEPS,
    )  # fmt: skip
    work.publish(AccessDecidedMail(**envelope, **said))


def _to_file(work: Work[Tools], organization: OrganizationRow, contents: Contents, once: str) -> dict[str, Any]:
    """To the address on file: nobody there may have asked for anything."""
    return mailing.envelope(
        work, organization.organization_id, organization, contents, organization,
        once=once, keeps=mailing.WARNING_KEEPS,
    )  # fmt: skip


async def _reachable(work: Work[Tools], managers: Sequence[ContactFile]) -> list[tuple[ContactFile, str]]:
    addresses = {manager.contact_id: manager.email for manager in managers if manager.email is not None}
    if not addresses:
        return []
    over = await flooded(work, managers[0].organization_id, addresses)
    return [(m, m.email) for m in managers if m.email is not None and m.contact_id not in over]


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


async def _organization(work: Work[Tools], organization_id: UUID) -> OrganizationRow:
    return (await organizations.get(work.connection, [organization_id]))[organization_id]


async def _person(work: Work[Tools], account_id: UUID) -> Personal | None:
    return (await descriptions(work.connection, [account_id])).get(account_id)


def _name(person: Personal) -> str:
    return f"{person.given_name} {person.family_name}"
