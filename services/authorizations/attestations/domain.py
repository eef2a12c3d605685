"""Which statements a form asks for, and whether they were ticked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from chassis.outcomes import Refusal
from contracts.agency import Agency
from contracts.agency.forms import Attestation, FormKind
from contracts.events import Language


@dataclass(frozen=True)
class Ticked:
    """An attestation as the person ticked it, in the language it was shown in."""

    code: str
    version: int
    language: Language


@dataclass(frozen=True)
class Attested:
    """What a person ticked, in the words that were shown. `organization_id` is whose profile the person had chosen."""

    code: str
    version: int
    language: Language
    text: str
    at: datetime
    account_id: UUID
    contact_id: UUID
    organization_id: UUID


def attested(agency: Agency, kind: FormKind, ticked: Sequence[Ticked], day: date) -> list[Attestation] | Refusal:
    """The attestations of the form of this kind, each ticked in its current version."""
    form = agency.form(kind, day)
    if form is None:
        return Refusal("not_found")
    wanted = [agency.attestations[code] for code in form.attestations]
    given = {(tick.code, tick.version) for tick in ticked}
    if missing := [a for a in wanted if (a.code, a.version) not in given]:
        names = ", ".join(f"{a.code} v{a.version}" for a in missing)
        return Refusal("attestation_missing", {"attestations": names}, ("attestations",))
    return wanted
