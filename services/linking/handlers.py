"""The use cases of linking: follow other services' states, issue codes, redeem them, list profiles."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from chassis.limits import spend
from chassis.outcomes import Refusal
from chassis.tokens import revoke
from chassis.work import Work
from contracts.accounts import Person as AccountState
from contracts.accounts import SessionsRevoked
from contracts.agency.limits import Budget
from contracts.agency.linking import LinkingCoordinates
from contracts.authorizations import Contact as ContactState
from contracts.authorizations import Organization as OrganizationState
from contracts.linking import LinkingCodeIssued, LinkRefused, ProfileLinked
from contracts.notifications import (
    Contents,
    LinkingCoordinatesContents,
    LinkingCoordinatesMail,
    ProfileLinkedMail,
)
from services.linking import codes, domain, storage
from services.linking.domain import Account, Candidate, Contact, Organization, Profile, Proven, Refused
from services.linking.tools import Tools

CODE_PURPOSE = "linking_code"
"""What a code's digest is good for; the digested value names the contact, so that a row is no good for another."""

CONFIRMATION_LIFE = timedelta(days=3)
"""After a mail outage of this length the profile list has long told the person; a late mail would only alarm."""

UNREADABLE = ""
"""Compared in place of a mistyped code, so that it costs the same work; no digest is of it."""


async def end_sessions(work: Work[Tools], revoked: SessionsRevoked) -> None:
    """Tokens of the ended sessions are no longer taken here."""
    await revoke(work.connection, revoked.account_id, revoked.session_id, revoked.epoch)


async def follow_account(work: Work[Tools], state: AccountState) -> None:
    """Know the account's person; its epoch also ends older sessions, should their event have been missed."""
    if await storage.keep_account(work.connection, state):
        await revoke(work.connection, state.account_id, None, state.epoch)


async def follow_organization(work: Work[Tools], state: OrganizationState) -> None:
    """Know the organization, and issue the codes of contacts that were waiting for it."""
    await storage.lock_organization(work.connection, state.organization_id)
    if not await storage.keep_organization(work.connection, state):
        return
    owed = await storage.lock_owed(work.connection, state.organization_id)
    work.take_time()
    for contact in owed:
        await _issue_what_is_owed(work, contact)


async def follow_contact(work: Work[Tools], state: ContactState) -> None:
    """Know the contact; a changed address or a newer generation ends its code, a generation owed brings a new one."""
    await storage.share_organization(work.connection, state.organization_id)
    known = await storage.lock_contact(work.connection, state.contact_id)
    if not await storage.keep_contact(work.connection, state):
        return
    work.take_time()
    if known is not None and state.linking_code_generation > known.generation:
        await _end_code(work, known, "replaced")
    elif known is not None and state.email != known.person.email:
        await _end_code(work, known, "address_changed")
    contact = await storage.lock_contact(work.connection, state.contact_id)
    if contact is not None and contact.is_owed_a_code:
        await _issue_what_is_owed(work, contact)


async def forget_account(work: Work[Tools], account_id: UUID) -> None:
    """Erase what is known of the account's person. Its links stay, as ids."""
    await storage.forget_account(work.connection, account_id)
    work.audit("account_forgotten", object_id=account_id)


async def forget_organization(work: Work[Tools], organization_id: UUID) -> None:
    """Erase what is known of the organization; nobody becomes a contact of it any more."""
    await storage.lock_organization(work.connection, organization_id)
    await storage.forget_organization(work.connection, organization_id)
    work.audit("organization_forgotten", organization_id=organization_id, object_id=organization_id)


async def forget_contact(work: Work[Tools], contact_id: UUID) -> None:
    """Erase what is known of the contact's person; its code is dead and it has no function. Its links stay, as ids."""
    known = await storage.lock_contact(work.connection, contact_id)
    work.take_time()
    if known is not None:
        await _end_code(work, known, "forgotten")
    await storage.forget_contact(work.connection, contact_id)
    work.audit("contact_forgotten", organization_id=known.organization_id if known else None, object_id=contact_id)


async def _end_code(work: Work[Tools], contact: Contact, ended_by: storage.EndedBy) -> None:
    generation = await storage.end_code(work.connection, contact.contact_id, ended_by, work.now)
    if generation is not None:
        work.audit(
            "linking_code_ended",
            organization_id=contact.organization_id,
            object_id=contact.contact_id,
            generation=generation,
            ended_by=ended_by,
        )


async def _issue_what_is_owed(work: Work[Tools], contact: Contact) -> None:
    """Issue the code, or leave it owed until the state arrives that it waits for. A linked contact needs none."""
    if await storage.is_linked(work.connection, contact.contact_id):
        await storage.settle(work.connection, contact)
        return
    organization = await storage.organization(work.connection, contact.organization_id)
    method = work.tools.linking_coordinates(work.today)
    if method is None or organization is None or not domain.may_be_sent_a_code(contact, organization, work.today):
        return
    await _issue_code(work, contact, organization, method)


async def _issue_code(
    work: Work[Tools], contact: Contact, organization: Organization, method: LinkingCoordinates
) -> None:
    code, handle = _draw_code(), _draw_handle()
    validity = codes.validity(work.today, method.code_valid_days, work.origin.time_zone)
    digest = work.tools.keyring.digest(CODE_PURPOSE, _bound(contact.contact_id, code))
    await storage.keep_code(work.connection, contact, digest, work.now, validity.ends_at)
    await storage.settle(work.connection, contact)

    managers = await storage.other_managers(work.connection, contact)
    contents = LinkingCoordinatesContents(
        address=contact.person.email or "",
        given_name=contact.person.given_name,
        client_number=contact.client_number,
        code=code,
        responsible=tuple(
            manager.person.name for manager in managers if domain.manages_on(manager.manages, work.today)
        ),
    )
    delivery_id = work.new_id()
    work.publish(
        LinkingCodeIssued(
            contact_id=contact.contact_id,
            organization_id=contact.organization_id,
            generation=contact.generation,
            delivery_id=delivery_id,
            expires_at=validity.ends_at,
        )
    )
    work.publish(
        LinkingCoordinatesMail(
            recipient_id=contact.contact_id,
            delivery_id=delivery_id,
            handle=handle,
            language=contact.person.language,
            priority=contact.code_priority,
            expires_at=validity.ends_at,
            deduplication_id=f"linking_coordinates:{contact.contact_id}:{contact.generation}",
            replaces=f"linking_coordinates:{contact.contact_id}",
            sealed=work.tools.sealer.seal("notifications", contents),
            organization_name=organization.name,
            organization_number=organization.number,
            expires_on=validity.last_day,
        )
    )
    work.audit(
        "linking_code_issued",
        organization_id=contact.organization_id,
        object_id=contact.contact_id,
        generation=contact.generation,
        delivery_id=str(delivery_id),
        expires_at=validity.ends_at.isoformat(),
    )


@dataclass(frozen=True)
class RedeemCoordinates:
    """What a person typed from the mail."""

    account_id: UUID
    client_number: str
    linking_code: str = field(repr=False)


@dataclass(frozen=True)
class Linked:
    """The account is now one contact more."""

    link_id: UUID


async def redeem_coordinates(work: Work[Tools], command: RedeemCoordinates) -> Linked | Refusal:
    """Link the account to the contact whose code it has. Whatever is wrong with the coordinates, one refusal says so.

    Refusals: invalid_request, account_not_yet_known, not_authenticated, too_many_attempts, link_refused.
    """
    method = work.tools.linking_coordinates(work.today)
    if method is None:
        return Refusal("invalid_request", fields=("method",))
    account = await storage.account(work.connection, command.account_id)
    if account is None:
        return Refusal("account_not_yet_known", retry_after=1)
    if not account.active:
        return Refusal("not_authenticated")
    client_number = codes.read_client_number(command.client_number)
    if (seconds := await _count_attempt(work, account, client_number)) is not None:
        work.audit("link_delayed", method=method.code, seconds=seconds)
        return Refusal("too_many_attempts", {"seconds": seconds}, retry_after=seconds)

    bearers = await storage.lock_bearers(work.connection, client_number)
    work.take_time()
    candidates = await storage.candidates(work.connection, await _live(work, bearers))
    matching = _whose_code(work.tools, candidates, codes.read_code(command.linking_code) or UNREADABLE)
    elsewhere = await storage.organizations_linked(work.connection, account.account_id)
    verdict = domain.judge(candidates, matching, elsewhere, work.now)
    if isinstance(verdict, Proven):
        return await _link(work, account, verdict, method.code)
    return _refuse(work, account, verdict, method.code)


async def _count_attempt(work: Work[Tools], account: Account, client_number: str) -> int | None:
    """Count the attempt before anything is compared. None when it may go on, else the seconds to wait.

    A client number can be guessed, so its budget delays and never locks: once it is spent, every account still has one
    attempt per window at that number. Whoever holds the right code therefore is heard, however many others guess.
    """
    budgets, now = work.tools.agency.limits.attempts, work.now
    per_account, per_number = budgets["redemption_per_account"], budgets["redemption_per_client_number"]
    key = work.tools.keyring.lookup
    who, what = key("redemption", str(account.account_id)), key("redemption", client_number)
    seconds = await spend(work.connection, "redemption_per_account", who, per_account, now)
    if seconds is not None:
        return seconds
    if await spend(work.connection, "redemption_per_client_number", what, per_number, now) is None:
        return None
    one_more = Budget(count=1, per_seconds=per_number.per_seconds)
    pair = key("redemption", f"{account.account_id}:{client_number}")
    return await spend(work.connection, "redemption_at_spent_client_number", pair, one_more, now)


async def _live(work: Work[Tools], bearers: Sequence[Contact]) -> list[tuple[Contact, Organization]]:
    """Those of the contacts that somebody may become, each with its organization."""
    live = []
    for contact in bearers:
        organization = await storage.organization(work.connection, contact.organization_id)
        if organization is not None and domain.is_live(contact, organization, work.today):
            live.append((contact, organization))
    return live


def _whose_code(tools: Tools, candidates: Sequence[Candidate], code: str) -> UUID | None:
    """The candidate whose newest code this is. Compares with all of them, and with at least one digest."""
    digests = {c.contact.contact_id: c.code.digest for c in candidates if c.code is not None}
    matching = [
        contact_id
        for contact_id, digest in (digests or {UUID(int=0): tools.nobodys_digest}).items()
        if tools.keyring.matches(CODE_PURPOSE, _bound(contact_id, code), digest)
    ]
    return matching[0] if matching else None


def _refuse(work: Work[Tools], account: Account, refused: Sequence[Refused], method: str) -> Refusal:
    if not refused:
        work.audit("link_refused", method=method, reason="unknown_client_number")
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
    return Refusal("link_refused", {"support": work.tools.agency.profile.support_email})


async def _link(work: Work[Tools], account: Account, proven: Proven, method: str) -> Linked:
    """Bind the account to the contact, spend its code, and tell both the other services and the person."""
    contact, organization, link_id = proven.contact, proven.organization, work.new_id()
    await storage.bind(work.connection, link_id, account.account_id, contact, method, work.now)
    await storage.end_code(work.connection, contact.contact_id, "redeemed", work.now)
    await storage.settle(work.connection, contact)
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
    person = account.person
    contents = Contents(address=person.email or "", given_name=person.given_name)
    work.publish(
        ProfileLinkedMail(
            recipient_id=account.account_id,
            delivery_id=work.new_id(),
            handle=_draw_handle(),
            language=person.language,
            priority="normal",
            expires_at=work.now + CONFIRMATION_LIFE,
            deduplication_id=f"profile_linked:{link_id}",
            sealed=work.tools.sealer.seal("notifications", contents),
            organization_name=organization.name,
            organization_number=organization.number,
            function=domain.main_function(contact.functions, work.today, work.tools.functions),
            linked_at=work.now,
        )
    )
    work.audit(
        "profile_linked",
        organization_id=contact.organization_id,
        object_id=contact.contact_id,
        link_id=str(link_id),
        method=method,
    )
    return Linked(link_id)


@dataclass(frozen=True)
class ShowLink:
    """Which link of which account."""

    account_id: UUID
    link_id: UUID


async def show_link(work: Work[Tools], command: ShowLink) -> Profile | Refusal:
    """The profile that a link of the account made, as it stands today. Refusal: not_found."""
    binding = await storage.binding(work.connection, command.account_id, command.link_id)
    return domain.profile_on(binding, work.today, work.tools.functions) if binding else Refusal("not_found")


async def list_profiles(work: Work[Tools], account_id: UUID) -> list[Profile]:
    """The profiles of the account, by the organization's name."""
    bindings = await storage.live_bindings(work.connection, account_id)
    return [domain.profile_on(binding, work.today, work.tools.functions) for binding in bindings]


def _bound(contact_id: UUID, code: str) -> str:
    return f"{contact_id}:{code}"


def _draw_code() -> str:
    return codes.make_code(secrets.randbits(codes.CODE_BITS))


def _draw_handle() -> str:
    return secrets.token_urlsafe(24)
