"""What a person may see of their own account, and how any change of one is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.events import Language
from services.accounts.people import fields, storage
from services.accounts.people.domain import Account, PersonalFields
from services.accounts.tools import Tools

CORRECTED = ("given_name", "family_name", "language")  # what a person may change of themselves without proof


@dataclass(frozen=True)
class OwnAccount:
    """An account with its person."""

    account: Account
    person: PersonalFields


async def show(work: Work[Tools], account_id: UUID) -> OwnAccount:
    """The caller's own account."""
    return OwnAccount(
        await storage.account(work.connection, account_id), await storage.person(work.connection, account_id)
    )


@dataclass(frozen=True)
class Change:
    """What a person corrects of themselves, in the version that they read; None stays."""

    account_id: UUID
    version: int | None
    given_name: str | None = field(repr=False)
    family_name: str | None = field(repr=False)
    language: Language | None
    fields: Mapping[str, str | None] = field(default_factory=dict, repr=False)


async def change(work: Work[Tools], command: Change) -> OwnAccount | Refusal:
    """Correct name, language, or what else the agency asks. The audit says which fields, and never what they hold."""
    own = await lock(work, command.account_id)
    if command.version != own.account.version:
        return Refusal("precondition_failed", fields=("If-Match",))
    person = replace(
        own.person,
        given_name=command.given_name or own.person.given_name,
        family_name=command.family_name or own.person.family_name,
        language=command.language or own.person.language,
        fields=fields.kept(own.person.fields, command.fields),
    )
    if person == own.person:
        return own
    changed = [name for name in CORRECTED if getattr(person, name) != getattr(own.person, name)]
    changed += [code for code in command.fields if person.fields.get(code) != own.person.fields.get(code)]
    await storage.change_person(work.connection, person)
    work.audit("account_changed", object_id=command.account_id, fields=changed)
    return await keep(work, OwnAccount(own.account.following(work.now), person))


async def lock(work: Work[Tools], account_id: UUID) -> OwnAccount:
    """An account that exists, ours until the transaction ends; the decision's instant is taken again."""
    account = await storage.lock(work.connection, account_id)
    assert account is not None
    work.take_time()
    return OwnAccount(account, await storage.person(work.connection, account_id))


async def keep(work: Work[Tools], own: OwnAccount) -> OwnAccount:
    """Keep a changed account, and publish its state."""
    await storage.save(work.connection, own.account)
    work.publish(own.account.state(own.person))
    return own
