"""Keeping what a person ticked, inside the use case that asks for it, and reading it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.forms import FormKind
from services.authorizations.access.domain import Acting, AsAgent, AsProfile
from services.authorizations.attestations import storage
from services.authorizations.attestations.domain import Attested, Ticked, attested
from services.authorizations.personal.domain import PersonName
from services.authorizations.personal.storage import person_names
from services.authorizations.tools import Tools


async def keep_attestations(
    work: Work[Tools], by: AsProfile, object_id: UUID, kind: FormKind, ticked: Sequence[Ticked]
) -> Refusal | None:
    """Keep each attestation of the form with its text, version, person and time; refuse when one was not ticked."""
    wanted = attested(work.tools.agency, kind, ticked, work.today)
    if isinstance(wanted, Refusal):
        return wanted
    shown = {(tick.code, tick.version): tick.language for tick in ticked}
    await storage.keep(
        work.connection,
        [
            (by.account_id, by.contact_id, object_id, a.code, a.version, language, a.text.in_(language), work.now)
            for a in wanted
            for language in [shown[a.code, a.version]]
        ],
    )
    return None


@dataclass(frozen=True)
class ReadAttested:
    """A look at what was attested of an object: a relation, a contact, a request, or an organization's list."""

    looker: Acting | AsAgent
    object_id: UUID


@dataclass(frozen=True)
class ReadStatements:
    """What was attested, and by whom, as far as the reader may know: its own people, or for agents everybody."""

    attested: Sequence[Attested]
    persons: Mapping[UUID, PersonName]


async def read_attested(work: Work[Tools], command: ReadAttested) -> ReadStatements | Refusal:
    """For those who manage either side, whoever ticked it, and agents, whose look is audited.

    A blind request's asker is not told that an agent looked: that would say what became of the number it gave.
    """
    attested, looker = await storage.of_object(work.connection, command.object_id), command.looker
    sides = await storage.sides(work.connection, command.object_id)
    if isinstance(looker, Acting):
        work.concerning = looker.organization_id
        if not work.tools.manages(looker) or looker.organization_id not in {side.organization_id for side in sides}:
            attested = [one for one in attested if one.contact_id == looker.contact_id]
    if not attested:
        return Refusal("not_found")
    if isinstance(looker, Acting):
        known = {one.account_id for one in attested if one.organization_id == looker.organization_id}
    else:
        known = {one.account_id for one in attested}
        files: Sequence[UUID | None] = sorted({side.organization_id for side in sides if not side.asking}) or [None]
        for organization_id in files:
            work.audit("attestations_viewed", organization_id=organization_id, object_id=command.object_id)
    return ReadStatements(attested, await person_names(work.connection, known))
