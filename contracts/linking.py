"""Events that the service linking publishes: the register of which account is which contact, and who claims to be."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from contracts.events import Code, Event, Instant, Version
from contracts.topics import LINKING_CLAIMS, LINKING_EVENTS, Topic


class ContactFact(Event):
    """Something that happened between accounts and one contact of an organization."""

    key_field: ClassVar[str] = "contact_id"

    contact_id: UUID
    organization_id: UUID


class LinkingCodeIssued(ContactFact):
    """A linking code of this generation is on its way by mail; earlier ones are dead. The code is not here."""

    topic: ClassVar[Topic] = LINKING_EVENTS

    generation: Version
    delivery_id: UUID
    expires_at: Instant


class LinkRefused(ContactFact):
    """An account tried to become this contact and was refused; the person saw only a uniform answer.

    already_linked: the secret was right, and another account is the contact. other_profile_here: the secret was right,
    and the account is another contact of the same organization. Agents look at both. other_door: the secret was right,
    and the account came by a door of the agency's that is not the contact's.
    """

    topic: ClassVar[Topic] = LINKING_EVENTS

    account_id: UUID
    method: Code
    reason: Literal["wrong_code", "expired_code", "already_linked", "other_profile_here", "other_door"]


class ProfileLinked(ContactFact):
    """From `linked_at` the account is this contact.

    `method` is a linking method of the agency's data, or `invitation`: one was accepted, and nothing was asked; or
    `credential`: the agency gave the contact's person the account.
    """

    topic: ClassVar[Topic] = LINKING_EVENTS

    link_id: UUID
    account_id: UUID
    method: Code
    linked_at: Instant


class ProfileUnlinked(ContactFact):
    """From `unlinked_at` the account is no longer this contact. Tells the whole link: its beginning may come late.

    Where `unlinked_at` is `linked_at` the link never stood: authorizations made it, and another one was in its way.
    """

    topic: ClassVar[Topic] = LINKING_EVENTS

    link_id: UUID
    account_id: UUID
    linked_at: Instant
    unlinked_at: Instant


class OrganizationClaimed(Event):
    """An account asks to act for an organization whose name and number it knew; authorizations decides.

    `proven`: it also had the organization's code and knew what is asked with it. `locked`: the code was not looked at,
    because too many wrong ones were tried. Neither is ever told to the account. `tried`: a code was typed, be it
    right or wrong. `capacity` is what the person says to be there, a code of the agency's data. After `lapses_on`
    nobody can decide any more.
    """

    topic: ClassVar[Topic] = LINKING_CLAIMS
    key_field: ClassVar[str] = "organization_id"

    organization_id: UUID
    claim_id: UUID
    account_id: UUID
    method: Code
    capacity: Code
    proven: bool
    locked: bool
    tried: bool = False
    lapses_on: date
