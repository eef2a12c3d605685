"""Whether the agency's data can hold what an import line says: codes that exist, where they apply."""

from collections.abc import Iterator
from typing import Literal

from contracts.agency.agency import Agency
from contracts.events import Code
from contracts.imports import ALL, ImportedOrganization, ImportedRight


def unknown_references(row: ImportedOrganization, agency: Agency) -> Iterator[str]:
    """Why the agency's data cannot hold this import line, one sentence each."""
    own_kind = row.organization.kind
    if own_kind not in agency.organization_kinds:
        yield f"No organization kind has the code `{own_kind}`."
    for contact in row.contacts:
        for membership in contact.relations:
            yield from _misplaced(agency, membership.type, "membership", own_kind)
            yield from _beyond_ceiling(agency, membership.subjects, own_kind)
    for relation in row.relations:
        yield from _misplaced(agency, relation.type, "representation", relation.organization.kind)
        known = agency.relation_types.get(relation.type)
        if known and known.shape == "representation" and own_kind not in known.by_kinds:
            yield f"An organization of kind `{own_kind}` cannot hold a relation of type `{relation.type}`."
        yield from _beyond_ceiling(agency, relation.subjects, relation.organization.kind)
    for delegation in row.delegations:
        yield from _beyond_ceiling(agency, delegation.subjects, delegation.organization.kind)
        if delegation.subjects != ALL:
            for right in delegation.subjects:
                subject = agency.subjects.get(right.subject)
                if subject and not subject.delegable:
                    yield f"The subject `{right.subject}` cannot be delegated."


def _misplaced(agency: Agency, type_: Code, shape: str, of_kind: Code) -> Iterator[str]:
    known = agency.relation_types.get(type_)
    if known is None:
        yield f"No relation type has the code `{type_}`."
    elif known.shape != shape:
        yield f"The relation type `{type_}` is no {shape}."
    elif of_kind not in known.of_kinds:
        yield f"The relation type `{type_}` does not exist for organizations of kind `{of_kind}`."


def _beyond_ceiling(agency: Agency, subjects: tuple[ImportedRight, ...] | Literal["all"], kind: Code) -> Iterator[str]:
    for right in () if subjects == ALL else subjects:
        known = agency.subjects.get(right.subject)
        if known is None:
            yield f"No subject has the code `{right.subject}`."
        elif kind not in known.kinds:
            yield f"The subject `{right.subject}` does not exist for organizations of kind `{kind}`."
