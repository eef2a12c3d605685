"""An agency whose employers have codes, and claims of them as a handler examines them."""

from pathlib import Path
from shutil import copytree
from typing import Any

from contracts.agency.linking import OrganizationCode
from contracts.authorizations import Organization, OrganizationFacts, ReportedPayroll
from services.linking.organization_codes import storage
from services.linking.tests.world import Linking, an_organization

METHOD = """
  - code: organization_code
    kind: organization_code
    name: {fr: "Ajouter un employeur", en: "Add an employer"}
    help: {fr: "Entrez ce qui suit.", en: "Enter the following."}
    digits: 6
    legal_suffixes: [inc, ltd, ltee, limited, corp, senc]
    ignored_words: [and, et]
    payroll: {tolerance_percent: 10, tolerance_at_least: 500, before_report: 0}
    fields:
      organization_name: {label: {fr: "Nom", en: "Name"}, help: {fr: "Nom.", en: "Name."}}
      organization_number: {label: {fr: "Numéro", en: "Number"}, help: {fr: "Numéro.", en: "Number."}}
      organization_code: {label: {fr: "Code", en: "Code"}, help: {fr: "Facultatif.", en: "Optional."}}
      payroll: {label: {fr: "Masse salariale", en: "Payroll"}, help: {fr: "Facultatif.", en: "Optional."}}
      capacity: {label: {fr: "Vous êtes", en: "You are"}, help: {fr: "Choisissez.", en: "Choose."}}
"""

LIMITS = """
organization_codes:
  per_account: {at_once: 5, first_seconds: 60, longest_seconds: 3600, forgotten_after_seconds: 86400}
  per_organization: {at_once: 5, first_seconds: 30, longest_seconds: 900, forgotten_after_seconds: 86400}
  wrong_tries: 20
  renewals_per_organization: {count: 3, per_seconds: 86400}
  in_all: {count: 3000, per_seconds: 3600}
  letters_at_once: 500
"""


def agency_with_codes(folder: Path, ccq: Path) -> Path:
    """CCQ's data, and employers that have codes."""
    agency = folder / "ccq"
    copytree(ccq, agency)
    _append(agency / "linking.yaml", METHOD)
    _append(agency / "limits.yaml", LIMITS)
    catalogue = agency / "catalogue.yaml"
    kind = "  - code: employer\n"
    text = catalogue.read_text(encoding="utf-8")
    catalogue.write_text(text.replace(kind, f"{kind}    has_code: true\n", 1), encoding="utf-8")
    return agency


def _append(file: Path, text: str) -> None:
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")


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


def method(linking: Linking) -> OrganizationCode:
    """The agency's method."""
    found = linking.unit.tools.organization_code
    assert found is not None
    return found


async def code_of(linking: Linking, organization: Organization) -> str | None:
    """The code that lives and is valid, as its holder would read it."""
    async with linking.unit.pool.acquire() as connection:
        found = await storage.living(connection, organization.organization_id)
    return linking.unit.tools.vault.unlock(found[2]).decode() if found and found[0].valid else None
