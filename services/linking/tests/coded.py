"""Employers of the agency WSSCC, which have codes."""

from typing import Any

from contracts.authorizations import Organization, OrganizationFacts, ReportedPayroll
from local import ROOT
from services.linking.organization_codes import storage
from services.linking.tests.world import Linking, an_organization

WSSCC = ROOT / "agencies" / "wsscc"


def an_employer(
    linking: Linking, *, payroll: ReportedPayroll | None = None, code: str | None = None, **changes: Any
) -> Organization:
    """The state of an active employer that is owed its first code; `code` is one that it has already."""
    values: dict[str, Any] = {
        "kind": "employer",
        "number": "1000001",
        "legal_name": "LES CONSTRUCTIONS ÉTÉ-NORD (CANADA) LTÉE",
        "trade_names": ("Sommer & Sons",),
        "email": "office@ete-nord.example",
        "billing_address": ("1, rue du Lac", "Yellowknife NT  X1A 1A1"),
        "code_generation": 1,
    }
    facts = OrganizationFacts(payroll=payroll, code=code)
    sealed = linking.unit.tools.sealer.seal("linking", facts)
    return an_organization(**values | {"facts": sealed} | changes)


async def code_of(linking: Linking, organization: Organization) -> str | None:
    """The code that lives and is valid, as its holder would read it."""
    async with linking.unit.pool.acquire() as connection:
        found = await storage.living(connection, organization.organization_id)
    return linking.unit.tools.vault.unlock(found[2]).decode() if found and found[0].valid else None
