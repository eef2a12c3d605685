"""demo/: made-up organizations in the import format, and who may sign in to try the platform."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from contracts.agency.agency import Agency
from contracts.agency.files import Document, Fault, FaultyFiles, read_model, read_ndjson
from contracts.agency.references import unfit
from contracts.agency.text import EmailAddress, Policy, Text
from contracts.events import Language
from contracts.extract import ROW, unrolled
from contracts.imports import (
    ClientNumber,
    ImportedOrganization,
    OrganizationKey,
    PersonName,
)
from contracts.problems import defects

CoordinatesFrom = Literal["agent_batch", "added_by_manager"]
"""How a person comes by coordinates: a demo agent's batch mails them, or a manager adds the contact."""


class DemoPerson(Policy):
    """Somebody to be in the demonstration.

    A person who is on file has a `client_number`, an address and an organization of the demo data; a newcomer
    has no client number yet. Where the agency has no linking coordinates nobody comes by any; where it has mandates, a
    newcomer who is to be mandated needs none.
    """

    role: Text
    given_name: PersonName
    family_name: PersonName
    email: EmailAddress
    language: Language
    organization: OrganizationKey
    client_number: ClientNumber | None = None
    coordinates: CoordinatesFrom | None = None


class SignIns(Policy):
    """demo/sign-ins.yaml. Nobody has an account at first; `password` is one to choose when registering."""

    password: str = Field(repr=False, min_length=15, max_length=128)
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
    faults = [*_check_rows(file, rows, agency), *_check_people(document, sign_ins, rows, agency)]
    if faults:
        raise FaultyFiles(faults)
    return Demo(tuple(row for _, row in rows), sign_ins)


def _check_rows(file: Path, rows: list[tuple[int, ImportedOrganization]], agency: Agency) -> Iterator[Fault]:
    earlier: set[tuple[str, str]] = set()
    for line, row in rows:
        yield from (Fault(file, line, reason) for reason in (*_unfit_parts(row, agency), *_loose_ends(row)))
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
    document: Document, sign_ins: SignIns, rows: list[tuple[int, ImportedOrganization]], agency: Agency
) -> Iterator[Fault]:
    contacts = {
        (row.organization.kind, row.organization.number, contact.client_number): contact.email
        for _, row in rows
        for contact in row.contacts
    }
    organizations = {(row.organization.kind, row.organization.number) for _, row in rows}
    with_coordinates = "linking_coordinates" in agency.features
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
        if not with_coordinates and person.coordinates is not None:
            yield document.fault("No linking method of the agency has coordinates.", "people", index, "coordinates")
        expected: set[CoordinatesFrom | None] = {"agent_batch", None}
        if person.client_number is None:
            expected = {"added_by_manager", None} if "mandates" in agency.features else {"added_by_manager"}
        if with_coordinates and person.coordinates not in expected:
            yield document.fault(
                "A person on file gets coordinates from agent_batch, a newcomer from added_by_manager.",
                "people",
                index,
                "coordinates",
            )


def _unfit_parts(row: ImportedOrganization, agency: Agency) -> Iterator[str]:
    """What an import would reject, each with its place in the line."""
    for at, fields in unrolled(row.model_dump(mode="json", exclude_unset=True)):
        if fault := unfit(ROW.validate_python(fields), agency):
            code, parameters = fault
            yield f"{at}: {defects()[code].in_('en', **parameters)}"


def _loose_ends(row: ImportedOrganization) -> Iterator[str]:
    """A demo line is whole: its delegations name contacts and relations of the line itself."""
    members = {contact.client_number for contact in row.contacts}
    clients = {(relation.type, relation.organization) for relation in row.relations}
    for delegation in row.delegations:
        if delegation.client_number not in members:
            yield f"The delegation names {delegation.client_number}, no contact of this line."
        if (delegation.through, delegation.organization) not in clients:
            yield f"The delegation goes through `{delegation.through}`, no relation of this line."
