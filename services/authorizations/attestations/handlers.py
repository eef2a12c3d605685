"""Keeping what a person ticked, inside the use case that asks for it."""

from collections.abc import Sequence
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.forms import FormKind
from services.authorizations.access.domain import AsProfile
from services.authorizations.attestations import storage
from services.authorizations.attestations.domain import Ticked, attested
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
