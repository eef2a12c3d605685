"""What others do with an organization's file: number an event in it, publish its state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.states import version_at
from chassis.work import Work
from contracts.authorizations import Organization, OrganizationFact
from services.authorizations.organizations import storage
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.tools import Tools
from services.authorizations.versions import next_version

MOST_FOUND = 50
"""Organizations that one look shows: more than an agent reads through, and each look is audited."""


async def record(
    work: Work[Tools], fact: Callable[..., OrganizationFact], organization_id: UUID, **content: Any
) -> None:
    """Publish a fact of an organization's file under its next number. Call it with the organization locked."""
    sequence = await storage.next_sequence(work.connection, organization_id)
    work.publish(fact(organization_id=organization_id, sequence=sequence, **content))


@dataclass(frozen=True)
class Find:
    """What an agent knows of an organization: its number, or words of its names; of one kind, or any."""

    number: str | None
    words: Sequence[str]
    kind: str | None


async def find_organizations(work: Work[Tools], command: Find) -> list[OrganizationRow]:
    """Those that it may be, for an agent: an individual's name is a person's, so each look is audited."""
    if command.number is not None:
        numbered = await storage.with_number(work.connection, command.number)
        found = [row for row in numbered if command.kind in (None, row.kind)]
    else:
        found = await storage.with_names(work.connection, command.words, command.kind, MOST_FOUND + 1)
    for row in found[:MOST_FOUND]:
        work.audit("organization_viewed", organization_id=row.organization_id, object_id=row.organization_id)
    return found


async def publish_state(work: Work[Tools], organization_id: UUID) -> None:
    """Publish the organization's whole state under its next version."""
    version = await next_version(work.connection, "organizations", organization_id, version_at(work.now))
    found = (await storage.get(work.connection, [organization_id]))[organization_id]
    told = await storage.for_linking(work.connection, organization_id)
    work.publish(
        Organization(
            organization_id=organization_id,
            version=version,
            kind=found.kind,
            number=found.number,
            legal_name=found.legal_name,
            trade_names=tuple(found.trade_names),
            status="active" if found.active else "inactive",
            email=found.email,
            language=found.language,
            billing_address=told.billing_address,
            facts=told.facts,
            code_generation=told.code_generation,
        )
    )
