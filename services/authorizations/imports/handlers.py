"""An import: received, parted, carried out portion by portion, each in one transaction; a dry run writes nothing."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.states import version_at
from chassis.work import Work
from contracts.authorizations import Contact, FunctionSpan, Organization, OrganizationImported, Telephone
from contracts.extract import ContactRow, OrganizationRow
from services.authorizations import metrics
from services.authorizations.contacts.state import publish_state
from services.authorizations.imports import domain, staging, storage
from services.authorizations.imports.ahead import Ahead, Prepared
from services.authorizations.imports.domain import Judged, Portion, Staged
from services.authorizations.imports.judging import Judging, contact_rows
from services.authorizations.imports.reading import Read
from services.authorizations.imports.staging import ImportRow
from services.authorizations.imports.turns import by_turns
from services.authorizations.migration_reports import storage as migration_reports
from services.authorizations.organizations import handlers as organization_handlers
from services.authorizations.personal.storage import name_organizations
from services.authorizations.relations.domain import NewRelation
from services.authorizations.statuses import set_status
from services.authorizations.tools import Tools

PORTION = 3_000  # rows of one transaction, which holds their organizations' locks for under a second


@dataclass(frozen=True)
class Turn:
    """The next portion of an import is to be carried out, with what prepares it and those after it."""

    import_id: UUID
    ahead: Ahead


@dataclass(frozen=True)
class Received:
    """Rows of an extract as they were read, to be staged; `first` is the place of the first in the extract."""

    import_id: UUID
    first: int
    rows: Sequence[Read]


async def open_import(work: Work[Tools], dry_run: bool) -> UUID:
    """Make an import that receives its rows. Returns its id."""
    import_id = work.new_id()
    actor = (work.actor.kind, work.actor.id)
    await staging.add(work.connection, import_id, actor, work.now, dry_run=dry_run)
    work.audit("import_requested", object_id=import_id, dry_run=dry_run)
    return import_id


async def stage(work: Work[Tools], received: Received) -> None:
    """Keep rows until their portion's turn."""
    await staging.stage(work.connection, received.import_id, received.first, received.rows)


async def close_import(work: Work[Tools], import_id: UUID) -> None:
    """The extract has been received whole: its portions may be carried out."""
    await staging.part(work.connection, import_id, domain.ranks(work.tools.agency), PORTION)


async def view_defects(work: Work[Tools], import_id: UUID) -> ImportRow | Refusal:
    """An agent looks at the defects of an import, whose rows name persons by their numbers: the look is audited."""
    found = await staging.get(work.connection, import_id)
    if found is None:
        return Refusal("not_found")
    work.audit("import_defects_viewed", object_id=import_id)
    return found


async def give_up(work: Work[Tools], import_id: UUID) -> None:
    """The extract was refused, or broke off: nothing of it counts."""
    await staging.forget(work.connection, import_id)


async def carry_out_portion(work: Work[Tools], turn: Turn) -> bool:
    """Carry out the import's next portion, or finish it. False while somebody else does, or when it is done."""
    found = await staging.claim(work.connection, turn.import_id)
    if found is None:
        return False
    await storage.plan_for_a_portion(work.connection)
    if found.next_portion == found.portions:
        await _finish(work, found)
        return True
    prepared = await turn.ahead.portion(found)
    judged = await _judged(work, found, prepared)
    if found.dry_run:
        turn.ahead.prepare_following(found, prepared.portion)
    else:
        await _write(work, turn, found, prepared.portion, judged)
    await staging.add_defects(
        work.connection,
        found.import_id,
        [(staged.place, staged.line, staged.at, _keys(staged), defect) for staged, defect in judged.defects],
    )
    noted = sum(not defect.rejects for _, defect in judged.defects)
    await staging.advance(work.connection, found, judged.verdicts, noted)
    for verdict, rows in judged.verdicts.items():
        work.afterwards(partial(metrics.IMPORT_ROWS.labels(verdict).inc, rows))
    return True


async def note_failure(work: Work[Tools], import_id: UUID) -> int | None:
    """The import's next portion could not be carried out. How often it has failed by now."""
    return await staging.fail(work.connection, import_id, work.now)


async def end_unfinished(work: Work[Tools], import_id: UUID) -> None:
    """Nobody could carry the import out: what was brought in stays and is reported, the rest of its rows is deleted."""
    found = await staging.claim(work.connection, import_id)
    if found is None:
        return
    if not found.dry_run:
        await migration_reports.add_items(work.connection, import_id, work.now)
    await staging.finish(work.connection, import_id, work.now, "given_up")
    work.audit("import_given_up", object_id=import_id, portions=found.portions, portions_done=found.next_portion)


async def forget_defects(work: Work[Tools], import_id: UUID) -> None:
    """The import's defects are past their time; what concerns an organization stands in its report."""
    await staging.forget_defects(work.connection, import_id)
    work.audit("import_defects_deleted", object_id=import_id)


async def _finish(work: Work[Tools], found: ImportRow) -> None:
    if not found.dry_run:
        await migration_reports.add_items(work.connection, found.import_id, work.now)
    await staging.finish(work.connection, found.import_id, work.now)
    work.audit("import_finished", object_id=found.import_id)


async def _judged(work: Work[Tools], found: ImportRow, prepared: Prepared) -> Judged:
    """What the portion comes to, under the locks of every organization that its rows name; in a dry run without."""
    portion, before = prepared.portion, prepared.before
    if found.dry_run:
        standing = await storage.standing(work.connection, portion.organizations)
    else:
        standing = await storage.lock_standing(work.connection, portion.organizations)
        work.take_time()
    if before is not None and (before.standing, before.today) == (standing, work.today):
        return before.judged
    return await Judging(work.tools, work.today, work.new_id).judge(work.connection, found, portion, standing)


def _keys(staged: Staged) -> dict[str, str]:
    """What names a row: codes, numbers and dates, never a name or an address."""
    shown = {
        "record",
        "kind",
        "number",
        "client_number",
        "holder_kind",
        "holder_number",
        "type",
        "through",
        "starts_on",
    }
    return staged.row.model_dump(mode="json", include=shown)


async def _write(work: Work[Tools], turn: Turn, found: ImportRow, portion: Portion, judged: Judged) -> None:
    """What was judged, and one event for each organization whose file changed; states of what tells others something.

    While PostgreSQL writes, which takes longest, all that is new is told here and the next portion is prepared.
    """
    version = version_at(work.now)
    numbered = await _numbered(work, judged)
    writing = asyncio.create_task(_write_rows(work, found, judged, version))
    turn.ahead.prepare_following(found, portion)
    try:
        await _tell_new_states(work, judged, version)
        await _tell_of_organizations(work, found, judged, numbered)
    finally:
        await writing
    for organization_id, _ in judged.changed_organizations:
        await organization_handlers.publish_state(work, organization_id)
    for contact_id in sorted(judged.touched):
        await publish_state(work, contact_id)


async def _numbered(work: Work[Tools], judged: Judged) -> dict[UUID, tuple[str, int]]:
    """The kind and the number of the next event of each organization whose file changes."""
    made = {organization_id: (row.kind, 1) for organization_id, row in judged.new_organizations}
    changed = {organization_id for organization_id, _ in judged.changed_organizations}
    changed |= {home for home, _ in judged.new_contacts.values()}
    changed |= {new.organization_id for new, _ in judged.new_relations}
    return made | await storage.next_sequences(work.connection, changed - made.keys())


async def _write_rows(work: Work[Tools], found: ImportRow, judged: Judged, version: int) -> None:
    connection, now = work.connection, work.now
    await staging.leave(connection, found)
    await storage.add_relations(connection, [new for new, _ in judged.new_relations], now)
    await storage.grant(connection, judged.new_relations, work.actor.reference, now)
    await storage.add_organizations(connection, judged.new_organizations, version, now)
    await storage.tell_codes(connection, judged.facts, judged.coded)
    await name_organizations(connection, dict(judged.changed_organizations))
    for organization_id, row in judged.changed_organizations:
        await set_status(connection, organization_id, row.status == "active", now, now)
    await storage.add_contacts(connection, contact_rows(judged), version)


async def _tell_new_states(work: Work[Tools], judged: Judged, version: int) -> None:
    """Of organizations and contacts that are new."""
    async for organization_id, organization in by_turns(judged.new_organizations):
        work.publish(_organization_state(organization_id, organization, version, judged))
    memberships = _memberships(judged)
    async for contact_id, (home, contact) in by_turns(contact_rows(judged).items()):
        work.publish(_contact_state(work.tools, contact_id, home, contact, version, memberships.get(contact_id, ())))


async def _tell_of_organizations(
    work: Work[Tools], found: ImportRow, judged: Judged, numbered: Mapping[UUID, tuple[str, int]]
) -> None:
    contacts = Counter(home for home, _ in judged.new_contacts.values())
    relations = Counter(new.organization_id for new, _ in judged.new_relations)
    rights = Counter[UUID]()
    for new, grants in judged.new_relations:
        rights[new.organization_id] += len(grants)
    async for organization_id, (kind, sequence) in by_turns(numbered.items()):
        brought = {
            "contacts": contacts[organization_id],
            "relations": relations[organization_id],
            "rights": rights[organization_id],
        }
        work.publish(OrganizationImported(organization_id=organization_id, sequence=sequence, kind=kind, **brought))
        work.audit(
            "organization_imported", organization_id=organization_id, object_id=organization_id,
            import_id=str(found.import_id), **brought,
        )  # fmt: skip


def _memberships(judged: Judged) -> dict[UUID, list[NewRelation]]:
    """Of the contacts that are new."""
    found: dict[UUID, list[NewRelation]] = {}
    for new, _ in judged.new_relations:
        if new.through is None and new.holder_id in judged.new_contacts:
            found.setdefault(new.holder_id, []).append(new)
    return found


def _organization_state(organization_id: UUID, row: OrganizationRow, version: int, judged: Judged) -> Organization:
    facts = judged.facts.get(organization_id)
    return Organization(
        organization_id=organization_id,
        version=version,
        kind=row.kind,
        number=row.number,
        legal_name=row.legal_name,
        trade_names=row.trade_names,
        status=row.status,
        email=row.email,
        language=row.language,
        billing_address=row.billing_address,
        facts=facts and facts.sealed,
        code_generation=int(organization_id in judged.coded),
    )


def _contact_state(
    tools: Tools, contact_id: UUID, home: UUID, row: ContactRow, version: int, memberships: Sequence[NewRelation]
) -> Contact:
    return Contact(
        contact_id=contact_id,
        version=version,
        organization_id=home,
        client_number=row.client_number,
        family_name=row.family_name,
        given_name=row.given_name,
        email=row.email,
        telephones=tuple(Telephone(kind=telephone.kind, number=telephone.number) for telephone in row.telephones),
        language=row.language,
        functions=tuple(FunctionSpan(type=one.type, **dict(one.period.span)) for one in memberships),
        manages=tuple(one.period.span for one in memberships if tools.relation_type(one.type).manages),
    )
