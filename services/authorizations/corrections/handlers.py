"""The guide's step 5, "Corriger": what a manager corrects of a contact takes effect, and one mail tells the person."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from chassis.limits import refuse_beyond
from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.limits import LimitName
from contracts.authorizations import ContactChanged, CorrectedItem
from services.authorizations.access.domain import AsProfile
from services.authorizations.access.handlers import may_manage
from services.authorizations.attachments.handlers import attach, refuse_attachments
from services.authorizations.attestations.domain import Ticked
from services.authorizations.attestations.handlers import keep_attestations
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.contacts.state import publish_state
from services.authorizations.corrections import domain, ends, mails
from services.authorizations.corrections.domain import Correction
from services.authorizations.mailing.budgets import refuse_mail
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.handlers import record
from services.authorizations.personal import storage as personal_fields
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import Relation
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Correct:
    """A correction of the version of the file that was seen; None is no version of ours."""

    by: AsProfile
    contact_id: UUID
    version: int | None
    correction: Correction
    ticked: Sequence[Ticked]
    attachments: Sequence[UUID] = ()


@dataclass(frozen=True)
class Corrected:
    """The file's new version, what was corrected, and the one mail that tells the person; None: it has no address."""

    version: int
    changed: Sequence[CorrectedItem]
    mail: Literal["contact_corrected", "linking_coordinates"] | None


async def correct(work: Work[Tools], command: Correct) -> Corrected | Refusal:
    """Correct a contact's file. With a new code, linking's mail with the coordinates tells what was corrected too."""
    correction = command.correction
    seen = await contacts.get(work.connection, command.contact_id)
    home = seen.organization_id if seen else None
    acted_for = await ends.organizations_of(work, command.contact_id, correction.ends)
    await organizations.lock(work.connection, [*acted_for, *([home] if home else [])])
    await contacts.lock(work.connection, command.contact_id)
    work.take_time(after=await relations.last_recorded(work.connection, command.contact_id, correction.ends))
    acting = await may_manage(work, command.by, home)
    if isinstance(acting, Refusal):
        return acting
    contact = await contacts.get_present(work.connection, command.contact_id)
    if contact is None:
        return Refusal("not_found")
    if contact.version != command.version:
        return Refusal("precondition_failed", fields=("If-Match",))
    held = await relations.held_by(work.connection, contact.contact_id)
    new_ends = await ends.plan(work, contact, held, correction.ends)
    if isinstance(new_ends, Refusal):
        return new_ends
    changed = domain.changed(contact, correction, new_ends)
    if refusal := _refuse(work, contact, held, correction, changed) or await _budget(
        work, command.by, contact, correction
    ):
        return refusal
    if refusal := await refuse_attachments(work, command.by, "correction", command.attachments):
        return refusal
    if refusal := await keep_attestations(work, command.by, contact.contact_id, "correction", command.ticked):
        return refusal

    await attach(work, contact.contact_id, command.attachments)
    await ends.carry_out(work, contact, new_ends)
    if personal := [item for item in changed if item != "relation_end"]:
        await personal_fields.correct(work.connection, contact.contact_id, correction)
        await record(
            work, ContactChanged, contact.organization_id, contact_id=contact.contact_id, changed=tuple(personal)
        )
    if correction.new_code:
        await contacts.raise_generation(work.connection, contact.contact_id, "normal", changed)
    await publish_state(work, contact.contact_id)
    work.audit(
        "contact_corrected", organization_id=contact.organization_id, object_id=contact.contact_id,
        changed=changed, new_linking_code=correction.new_code,
    )  # fmt: skip
    return await _tell(work, contact, changed, new_code=correction.new_code)


def _refuse(
    work: Work[Tools],
    contact: ContactFile,
    held: Sequence[Relation],
    correction: Correction,
    changed: Sequence[CorrectedItem],
) -> Refusal | None:
    if refusal := domain.refuse_fields(contact, correction):
        return refusal
    if correction.new_code and "linking_coordinates" not in work.tools.agency.features:
        return Refusal("invalid_request", fields=("new_linking_code",))
    if correction.new_code:
        memberships = [relation for relation in held if relation.through is None]
        return domain.refuse_code(contact, correction.email or contact.email, memberships, work.today)
    return None if changed else Refusal("nothing_to_change")


async def _budget(work: Work[Tools], by: AsProfile, contact: ContactFile, correction: Correction) -> Refusal | None:
    """A new code counts as one of a batch does: a person is sent so many, however each was asked for.

    Each correction is a mail. Beyond its budget nothing is corrected, because nobody is corrected without a word.
    """
    organization = contact.organization_id.bytes
    if refusal := await _spent(work, "corrections_per_organization", organization, "too_many_attempts"):
        return refusal
    if refusal := await refuse_mail(work, by, contact.organization_id, correction.email or contact.email):
        return refusal
    if not correction.new_code:
        return None
    return await _spent(work, "linking_codes_per_organization", organization, "too_many_codes") or await _spent(
        work, "linking_codes_per_contact", contact.contact_id.bytes, "too_many_codes"
    )


async def _spent(work: Work[Tools], name: LimitName, key: bytes, code: str) -> Refusal | None:
    budget = work.tools.agency.limits.attempts[name]
    return await refuse_beyond(work.connection, name, key, budget, work.now, code=code)


async def _tell(
    work: Work[Tools], before: ContactFile, changed: Sequence[CorrectedItem], *, new_code: bool
) -> Corrected:
    now = await contacts.get(work.connection, before.contact_id)
    assert now is not None
    organization = await organizations.one(work.connection, now.organization_id)
    if "email" in changed and before.email is not None:
        await mails.address_replaced(work, now, before.email, organization)
    if new_code:
        return Corrected(now.version, changed, "linking_coordinates")
    if now.email is None:
        return Corrected(now.version, changed, None)
    await mails.corrected(work, now, organization, changed)
    return Corrected(now.version, changed, "contact_corrected")
