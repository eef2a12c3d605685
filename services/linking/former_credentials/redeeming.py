"""Redeeming a former credential: count, compare with no transaction open, link.

`begin` and `redeem` are a transaction each; between them the password is proven (`proving.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chassis.limits import too_many
from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.linking import FormerCredential
from services.linking.accounts.domain import Account
from services.linking.accounts.handlers import caller
from services.linking.bindings import storage as bindings
from services.linking.contacts import storage as contacts
from services.linking.contacts.domain import Contact
from services.linking.contacts.handlers import live
from services.linking.former_credentials import domain, storage
from services.linking.former_credentials.domain import Candidate, Confirmed, File, Found, Imported, LeftOut, Proof
from services.linking.links import attempts
from services.linking.links.attempts import Counted
from services.linking.links.domain import Refused
from services.linking.links.handlers import Linked, make_link, refuse
from services.linking.organizations.domain import Organization
from services.linking.tools import Tools

USER_NAME = "former_user_name"
"""What the keyed digest of a user name is for."""


@dataclass(frozen=True)
class Attempt:
    """An account is about to try a user name's password."""

    account_id: UUID
    method: FormerCredential
    user_name: str = field(repr=False)


@dataclass(frozen=True)
class Begun:
    """The attempt is counted; whose password the one presented must be."""

    counted: Counted
    candidate: Candidate


@dataclass(frozen=True)
class Redemption:
    """The outcome of comparing the password."""

    account_id: UUID
    method: FormerCredential
    user_name: str = field(repr=False)
    proof: Proof | None


async def begin(work: Work[Tools], command: Attempt) -> Begun | Refusal:
    """Count the attempt before the password is compared, on the account and on what was typed, known or not.

    An account whose verified address stands on a file of the user name is most likely its owner's: others who guess
    cannot make it wait.

    Refusals: account_not_yet_known, not_authenticated, too_many_attempts.
    """
    account = await caller(work, command.account_id)
    if isinstance(account, Refusal):
        return account
    code, name = command.method.code, domain.normalized(command.user_name, command.method)
    lookups = lookups_of(work.tools, command.method, command.user_name)
    found = await storage.find(work.connection, code, lookups)
    is_known_there = await storage.is_on_file(
        work.connection, found.credential_id if found else None, account.person.email
    )
    counted = await attempts.count(
        work, account, f"{code}:{name}", "redemption_per_user_name", is_known_there=is_known_there
    )
    if isinstance(counted, int):
        work.audit("link_delayed", method=code, seconds=counted)
        return too_many(counted)
    neighbour = await storage.neighbour(work.connection, code, lookups[0]) or work.tools.prover.nobodys
    return Begun(counted, found or Candidate(None, neighbour))


async def give_back(work: Work[Tools], counted: Counted) -> None:
    """Uncount an attempt that nothing was learned from, because the directory did not answer."""
    await attempts.give_back(work, counted)
    work.audit("link_unavailable")


async def redeem(work: Work[Tools], command: Redemption) -> Linked | Refusal:
    """Link the account to every contact that the credential stood for, and spend it. One refusal for whatever is wrong.

    What cannot be linked, because somebody else is that contact or the account has another one there, is told by
    LinkRefused, and shown to the person beside what was linked; a credential of which nothing could be linked is not
    spent, and nothing of it is shown.
    """
    account = await caller(work, command.account_id)
    if isinstance(account, Refusal):
        return account
    found = await _found(work, command)
    work.take_time()
    standings = domain.judge(
        found.live,
        linked=await bindings.linked_among(work.connection, [contact.contact_id for contact, _ in found.live]),
        own=await bindings.contacts_linked(work.connection, account.account_id),
        organizations_linked=await bindings.organizations_linked(work.connection, account.account_id),
        functions=work.tools.agency.functions_of_door(account.door),
    )
    method = command.method.code
    lookup = lookups_of(work.tools, command.method, command.user_name)[0]
    if not standings.to_link or not await storage.redeem(work.connection, method, lookup, account.account_id, work.now):
        return await refuse(work, account, standings.refused, method)
    if isinstance(command.proof, Imported):
        await storage.forget(work.connection, command.proof.credential_id)
    first = await _link_all(work, account, standings.to_link, standings.refused, method)
    left_out = domain.not_linked(found, standings.refused)
    await storage.keep_left_out(work.connection, first.link_id, left_out, work.now)
    return first


async def _link_all(
    work: Work[Tools],
    account: Account,
    to_link: Sequence[tuple[Contact, Organization]],
    refused: Sequence[Refused],
    method: str,
) -> Linked:
    first: Linked | None = None
    for contact, organization in to_link:
        linked = await make_link(work, account, contact, organization, method, "linked", first)
        first = first or linked
    if refused:
        await refuse(work, account, refused, method)
    assert first is not None  # there is something to link
    return first


async def _found(work: Work[Tools], command: Redemption) -> Found:
    """What a proven credential stood for, its contacts locked in the order of their ids; nothing without a proof."""
    stood_for: tuple[File, ...] = ()
    match command.proof:
        case Imported(credential_id):
            stood_for = await storage.files(work.connection, credential_id)
        case Confirmed(files):
            lookups = lookups_of(work.tools, command.method, command.user_name)
            if not await storage.is_redeemed(work.connection, command.method.code, lookups):
                stood_for = files
    keys = [(file.organization_kind, file.organization_number, file.client_number) for file in stood_for]
    bearers = await contacts.lock_files(work.connection, keys)
    standing = await live(work, bearers)
    some = {contact.contact_id for contact, _ in standing}
    return Found(
        live=standing,
        not_active=[contact for contact in bearers if contact.contact_id not in some],
        unknown=[stood_for[place] for place in await contacts.files_of_nobody(work.connection, keys)],
    )


@dataclass(frozen=True)
class ShowLeftOut:
    """What was left out of the redemption whose first link this is."""

    link_id: UUID


async def show_left_out(work: Work[Tools], command: ShowLeftOut) -> list[LeftOut]:
    """The files that a redemption did not link, as long as its request may be repeated."""
    return await storage.left_out(work.connection, command.link_id)


def lookups_of(tools: Tools, method: FormerCredential, user_name: str) -> tuple[bytes, ...]:
    """How a user name is found, under every key that is kept, the newest first."""
    return tools.keyring.lookups(USER_NAME, f"{method.code}:{domain.normalized(user_name, method)}")
