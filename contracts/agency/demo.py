"""demo/: made-up organizations in the import format, and who may sign in to try the platform."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from contracts.agency.agency import Agency
from contracts.agency.files import Document, Fault, FaultyFiles, read_model, read_ndjson
from contracts.agency.text import EmailAddress, Policy, Text
from contracts.events import Code, Language
from contracts.imports import (
    ALL,
    ClientNumber,
    ImportedOrganization,
    ImportedRight,
    OrganizationKey,
    PersonName,
)

CoordinatesFrom = Literal["agent_batch", "added_by_manager"]
"""How a person comes by coordinates: a demo agent's batch mails them, or a manager adds the contact."""


class DemoPerson(Policy):
    """Somebody to be in the demonstration.

    A person who is on file has a `client_number`, an address and an organization of the demo data; a newcomer
    has no client number yet.
    """

    role: Text
    given_name: PersonName
    family_name: PersonName
    email: EmailAddress
    language: Language
    organization: OrganizationKey
    client_number: ClientNumber | None = None
    coordinates: CoordinatesFrom


class SignIns(Policy):
    """demo/sign-ins.yaml. Nobody has an account at first; `password` is one to choose when registering."""

    password: str = Field(min_length=15, max_length=128)
    steps: tuple[Text, ...] = Field(min_length=1, max_length=20)
    people: tuple[DemoPerson, ...] = Field(min_length=1, max_length=20)


@dataclass(frozen=True)
class Demo:
    """The demonstration's organizations, in the order in which they are imported, and its people."""

    organizations: tuple[ImportedOrganization, ...]
    sign_ins: SignIns


def load_demo(agency: Agency) -> Demo:
    """The folder's demo/, checked against the agency's data. Raises FaultyFiles."""
    file = agency.folder / "demo" / "organizations.ndjson"
    rows = read_ndjson(file, ImportedOrganization)
    document, sign_ins = read_model(agency.folder / "demo" / "sign-ins.yaml", SignIns)
    faults = [*_check_rows(file, rows, agency), *_check_people(document, sign_ins, rows)]
    if faults:
        raise FaultyFiles(faults)
    return Demo(tuple(row for _, row in rows), sign_ins)


def _check_rows(file: Path, rows: list[tuple[int, ImportedOrganization]], agency: Agency) -> Iterator[Fault]:
    earlier: set[tuple[str, str]] = set()
    for line, row in rows:
        yield from (Fault(file, line, reason) for reason in unknown_references(row, agency))
        for organization in (r.organization for r in (*row.relations, *row.delegations)):
            named = (organization.kind, organization.number)
            if named not in earlier:
                yield Fault(file, line, f"The organization {named[0]}:{named[1]} stands on no earlier line.")
        for contact in row.contacts:
            if contact.client_number in agency.profile.client_numbers:
                reason = f"The client number {contact.client_number} is in the range kept for new contacts."
                yield Fault(file, line, reason)
        earlier.add((row.organization.kind, row.organization.number))


def _check_people(
    document: Document, sign_ins: SignIns, rows: list[tuple[int, ImportedOrganization]]
) -> Iterator[Fault]:
    contacts = {
        (row.organization.kind, row.organization.number, contact.client_number): contact.email
        for _, row in rows
        for contact in row.contacts
    }
    organizations = {(kind, number) for kind, number, _ in contacts}
    for index, person in enumerate(sign_ins.people):
        organization = (person.organization.kind, person.organization.number)
        if organization not in organizations:
            yield document.fault("This organization is not in organizations.ndjson.", "people", index, "organization")
        elif person.client_number is not None and contacts.get((*organization, person.client_number)) != person.email:
            yield document.fault(
                "No contact in organizations.ndjson has this client number and address.",
                "people",
                index,
                "client_number",
            )
        if (person.client_number is None) != (person.coordinates == "added_by_manager"):
            yield document.fault(
                "A person on file gets coordinates from agent_batch, a newcomer from added_by_manager.",
                "people",
                index,
                "coordinates",
            )


def unknown_references(row: ImportedOrganization, agency: Agency) -> Iterator[str]:
    """Why the agency's data cannot hold this import line, one sentence each."""
    own_kind = row.organization.kind
    if own_kind not in agency.organization_kinds:
        yield f"No organization kind has the code `{own_kind}`."
    clients: set[tuple[str, str, str]] = set()
    for contact in row.contacts:
        for membership in contact.relations:
            yield from _misplaced(agency, membership.type, "membership", own_kind)
            yield from _beyond_ceiling(agency, membership.subjects, own_kind)
    for relation in row.relations:
        clients.add((relation.type, relation.organization.kind, relation.organization.number))
        yield from _misplaced(agency, relation.type, "representation", relation.organization.kind)
        known = agency.relation_types.get(relation.type)
        if known and known.shape == "representation" and own_kind not in known.by_kinds:
            yield f"An organization of kind `{own_kind}` cannot hold a relation of type `{relation.type}`."
        yield from _beyond_ceiling(agency, relation.subjects, relation.organization.kind)
    members = {contact.client_number for contact in row.contacts}
    for delegation in row.delegations:
        if delegation.client_number not in members:
            yield f"The delegation names {delegation.client_number}, no contact of this line."
        if (delegation.through, delegation.organization.kind, delegation.organization.number) not in clients:
            yield f"The delegation goes through `{delegation.through}`, no relation of this line."
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
