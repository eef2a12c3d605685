"""Making links, refusing them, and the profiles that an account has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from chassis.outcomes import Phrase, Refusal
from chassis.work import Work
from contracts.authorizations import ContactBinding
from contracts.linking import LinkRefused, ProfileLinked, ProfileUnlinked
from services.linking.accounts import storage as accounts
from services.linking.accounts.domain import Account
from services.linking.bindings import storage
from services.linking.bindings.domain import Binding
from services.linking.codes.storage import EndedBy, end_code, settle
from services.linking.contacts import storage as contacts
from services.linking.contacts.domain import Contact, manages_on
from services.linking.links import domain, mails
from services.linking.links.domain import Profile, Refused
from services.linking.organizations import storage as organizations
from services.linking.organizations.domain import Organization
from services.linking.people import same_address
from services.linking.tools import Tools

MOST_NAMED = 5
"""Responsible persons that a refusal names: one that can be reached is enough, and a firm may have dozens."""


@dataclass(frozen=True)
class Linked:
    """The account is now one contact more; of several that one redemption makes, the first."""

    link_id: UUID


async def refuse(work: Work[Tools], account: Account, refused: Sequence[Refused], method: str) -> Refusal:
    """Say the same whatever was wrong, then whom to ask; only the agency reads the reasons.

    The responsible persons of an organization are named to an account that is one of its contacts, whatever it typed,
    and to whoever had the secret of one, whom that secret's mail named them to: so a guess is told nothing.
    """
    if not refused:
        work.audit("link_refused", method=method, reason="nothing_found")
    for one in refused:
        contact = one.contact
        work.publish(
            LinkRefused(
                contact_id=contact.contact_id,
                organization_id=contact.organization_id,
                account_id=account.account_id,
                method=method,
                reason=one.reason,
            )
        )
        work.audit(
            "link_refused",
            organization_id=contact.organization_id,
            object_id=contact.contact_id,
            method=method,
            reason=one.reason,
        )
    own = await storage.organizations_linked(work.connection, account.account_id)
    proven = {one.contact.organization_id for one in refused if one.secret_was_right}
    managers = await contacts.managers(work.connection, sorted(own | proven))
    themselves = await storage.contacts_linked(work.connection, account.account_id)
    names = dict.fromkeys(
        manager.person.name
        for manager in managers
        if manager.contact_id not in themselves and manages_on(manager.manages, work.today)
    )
    support = work.tools.agency.profile.support_email
    ask = (
        Phrase("ask_responsible", {"names": ", ".join(list(names)[:MOST_NAMED]), "support": support})
        if names
        else Phrase("ask_support", {"support": support})
    )
    return Refusal("link_refused", {"ask": ask})


async def make_link(
    work: Work[Tools],
    account: Account,
    contact: Contact,
    organization: Organization,
    method: str,
    code_ended_by: EndedBy,
    first: Linked | None = None,
) -> Linked:
    """Bind the account to the contact, end its code, and tell the other services and the person.

    `first` is the link that the same redemption made before this one. The address on file and the responsible persons
    are told too when the account's verified address is another one.
    """
    link_id = work.new_id()
    redemption_id = first.link_id if first else None
    await storage.bind(work.connection, link_id, account.account_id, contact, method, work.now, redemption_id)
    await end_code(work.connection, contact.contact_id, code_ended_by, work.now)
    await settle(work.connection, contact)
    work.publish(
        ProfileLinked(
            contact_id=contact.contact_id,
            organization_id=contact.organization_id,
            link_id=link_id,
            account_id=account.account_id,
            method=method,
            linked_at=work.now,
        )
    )
    work.publish(mails.linked(work, link_id, account, contact, organization))
    if not same_address(account.person, contact.person):
        for warning in mails.linked_elsewhere(
            work, link_id, contact, organization, await _responsible_besides(work, contact)
        ):
            work.publish(warning)
    work.audit(
        "profile_linked",
        organization_id=contact.organization_id,
        object_id=contact.contact_id,
        link_id=str(link_id),
        method=method,
    )
    return Linked(link_id)


async def register(work: Work[Tools], told: ContactBinding, contact: Contact, before: Contact | None) -> None:
    """Register a link that authorizations has made, once, whatever becomes of it later.

    `before` is the contact as it was known, with the address on file, which is told of a link like any other. Where a
    link made here stands in the way, the one that is told never stood, and an agent is asked which of them shall. Call
    it with the contact locked.
    """
    if await storage.is_known(work.connection, told.link_id):
        return
    reason = await _in_the_way(work, told, contact)
    ids = {"contact_id": contact.contact_id, "organization_id": contact.organization_id}
    link = ids | {"link_id": told.link_id, "account_id": told.account_id, "linked_at": told.since}
    await storage.register(work.connection, told, contact, None if reason is None else told.since)
    if reason is not None:
        work.publish(ProfileUnlinked(**link, unlinked_at=told.since))
        work.publish(LinkRefused(**ids, account_id=told.account_id, method=told.method, reason=reason))
        work.audit(
            "link_refused", organization_id=contact.organization_id, object_id=contact.contact_id,
            method=told.method, reason=reason,
        )  # fmt: skip
        return
    await end_code(work.connection, contact.contact_id, "redeemed", work.now)
    await settle(work.connection, contact)
    work.publish(ProfileLinked(**link, method=told.method))
    organization = await organizations.organization(work.connection, contact.organization_id)
    if before is not None and organization is not None and not same_address(contact.person, before.person):
        responsible = await _responsible_besides(work, contact)
        for warning in mails.linked_elsewhere(work, told.link_id, before, organization, responsible):
            work.publish(warning)
    work.audit(
        "profile_linked", organization_id=contact.organization_id, object_id=contact.contact_id,
        link_id=str(told.link_id), method=told.method,
    )  # fmt: skip


async def _in_the_way(
    work: Work[Tools], told: ContactBinding, contact: Contact
) -> Literal["already_linked", "other_profile_here"] | None:
    if await storage.is_linked(work.connection, contact.contact_id):
        return "already_linked"
    elsewhere = await storage.organizations_linked(work.connection, told.account_id)
    return "other_profile_here" if contact.organization_id in elsewhere else None


async def _responsible_besides(work: Work[Tools], contact: Contact) -> list[Contact]:
    return [
        manager
        for manager in await contacts.managers(work.connection, [contact.organization_id])
        if manager.contact_id != contact.contact_id and manages_on(manager.manages, work.today)
    ]


@dataclass(frozen=True)
class Unlink:
    """Which link of which account is to end."""

    account_id: UUID
    link_id: UUID


async def unlink(work: Work[Tools], command: Unlink) -> Refusal | None:
    """End a link of the account; ending it again changes nothing. The contact and its rights stay as they are.

    Refusal: not_found.
    """
    binding = await storage.binding(work.connection, command.account_id, command.link_id)
    if binding is None:
        return Refusal("not_found")
    await contacts.lock_contact(work.connection, binding.contact_id)
    await _end(work, command.account_id, binding)
    return None


async def end_link_of(work: Work[Tools], contact_id: UUID, link_id: UUID) -> None:
    """End the link of a contact, which is locked, as an agent decided; nothing once it has ended."""
    account_id = await storage.linked_account(work.connection, contact_id, link_id)
    binding = await storage.binding(work.connection, account_id, link_id) if account_id else None
    if account_id is not None and binding is not None:
        await _end(work, account_id, binding)


async def _end(work: Work[Tools], account_id: UUID, binding: Binding) -> None:
    work.take_time(after=binding.linked_at)
    if not await storage.unbind(work.connection, binding.link_id, work.now):
        return
    organization = binding.organization
    work.publish(
        ProfileUnlinked(
            contact_id=binding.contact_id,
            organization_id=organization.organization_id,
            link_id=binding.link_id,
            account_id=account_id,
            linked_at=binding.linked_at,
            unlinked_at=work.now,
        )
    )
    account = await accounts.account(work.connection, account_id)
    if account is not None and account.person.email is not None:  # None: its person was erased
        work.publish(mails.unlinked(work, binding.link_id, account, organization, work.now))
    work.audit(
        "profile_unlinked",
        organization_id=organization.organization_id,
        object_id=binding.contact_id,
        link_id=str(binding.link_id),
    )


@dataclass(frozen=True)
class ShowLinks:
    """Which links of which account: one, or all that the redemption made which made this one first."""

    account_id: UUID
    link_id: UUID


async def show_links(work: Work[Tools], command: ShowLinks) -> list[Profile]:
    """The profiles that one redemption made, as they stand today, in the order in which they were linked."""
    bindings = await storage.bindings_of_redemption(work.connection, command.account_id, command.link_id)
    return [domain.profile_on(binding, work.today, work.tools.functions) for binding in bindings]


async def list_profiles(work: Work[Tools], account_id: UUID) -> list[Profile]:
    """The profiles of the account, by the organization's name."""
    bindings = await storage.live_bindings(work.connection, account_id)
    return [domain.profile_on(binding, work.today, work.tools.functions) for binding in bindings]
