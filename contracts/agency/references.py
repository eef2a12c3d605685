"""Whether the agency's data can hold what a row of an extract says: codes that exist, where they apply."""

from contracts.agency.agency import Agency
from contracts.extract import (
    AnyRow,
    ContactRow,
    DatedRow,
    DelegationRow,
    MembershipRow,
    OrganizationRow,
    RepresentationRow,
)
from contracts.imports import ALL

Fault = tuple[str, dict[str, str]]
"""A code of contracts/texts/defects.yaml, and what fills its text."""


def unfit(row: AnyRow, agency: Agency) -> Fault | None:
    """Why a row cannot stand, whatever stands besides; None where it can."""
    match row:
        case OrganizationRow():
            return ("unknown_kind", {}) if row.kind not in agency.organization_kinds else unfit_facts(row, agency)
        case ContactRow():
            return None
        case MembershipRow():
            misplaced = _misplaced(agency, row.type, "membership", row.kind)
        case RepresentationRow():
            misplaced = _misplaced(agency, row.type, "representation", row.kind, row.holder_kind)
        case DelegationRow():
            misplaced = None if agency.delegation_type else ("unknown_relation_type", {"type": "delegation"})
    return misplaced or _reversed(row) or _beyond(agency, row, delegated=isinstance(row, DelegationRow))


def unfit_facts(row: OrganizationRow, agency: Agency) -> Fault | None:
    """Why what a row says for linking alone cannot stand; None where it can, or says nothing."""
    if row.payroll is None and row.organization_code is None:
        return None
    kind = agency.organization_kinds.get(row.kind)
    method = next((m for m in agency.linking_methods.values() if m.kind == "organization_code"), None)
    if kind is None or not kind.has_code or method is None:
        return "no_organization_code", {}
    if row.organization_code is not None and len(row.organization_code) != method.digits:
        return "organization_code_length", {"digits": str(method.digits)}
    return None


def _misplaced(agency: Agency, code: str, shape: str, of_kind: str, by_kind: str | None = None) -> Fault | None:
    known = agency.relation_types.get(code)
    fits = (
        known is not None
        and known.shape == shape
        and of_kind in known.of_kinds
        and (by_kind is None or known.shape != "representation" or by_kind in known.by_kinds)
    )
    return None if fits else ("unknown_relation_type", {"type": code})


def _reversed(row: DatedRow) -> Fault | None:
    return ("dates_reversed", {}) if row.ends_on is not None and row.ends_on < row.starts_on else None


def _beyond(agency: Agency, row: DatedRow, *, delegated: bool) -> Fault | None:
    named = [] if row.subjects == ALL else [right.subject for right in row.subjects]
    known = agency.subjects
    unknown = [code for code in named if code not in known or row.kind not in known[code].kinds]
    if unknown:
        return "unknown_subject", {"subjects": ", ".join(unknown)}
    kept = [code for code in named if delegated and not known[code].delegable]
    return ("not_delegable", {"subjects": ", ".join(kept)}) if kept else None
