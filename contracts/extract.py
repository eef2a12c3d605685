"""The rows of an extract: what an agency holds, one fact a row, as CSV or NDJSON brings it (contracts/imports.py).

A row is an organization, a contact, a membership, a representation or a delegation, as its `record` says. `kind` and
`number` always name the organization acted for; where a firm or a firm's member holds, `holder_kind` and
`holder_number` name the firm. CSV has a header with these names, in any order and with any of `,` `;` or tab between
them; an absent or empty cell is an absent field. Within a cell, trade names are parted by `|`, telephones by spaces
(`work:+15145550101`), subjects by spaces (`monthly_report:write profile:read`, or `all`), the lines of an address by
`|`; a payroll is its year and its amount (`2026:125000.50`). A line of NDJSON is such a row as an object, or a nested
line about one organization, which `unrolled` takes apart.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, model_validator

from contracts.events import Code, Language
from contracts.imports import (
    ALL,
    MOST_ADDRESS_LINES,
    AddressLine,
    ClientNumber,
    ExistingCode,
    Imported,
    ImportedPayroll,
    ImportedRight,
    OrganizationKey,
    OrganizationName,
    OrganizationNumber,
    PersonName,
    Telephone,
)

RECORDS = ("organization", "contact", "membership", "representation", "delegation")
"""In the order in which they are judged: each may rely on those before it."""

# An address that needs no second look once its domain is known: an extract has a million of them, few domains.
PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
LONGEST_LOCAL = 64  # octets (RFC 5321 4.5.3.1.1)
PLAIN_DOMAIN = re.compile(r"(?:(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
LONGEST_DOMAIN = 188  # characters: with the longest local part within the 254 of an address
NO_MAIL = re.compile(rf"(?:^|\.)(?:{'|'.join(map(re.escape, SPECIAL_USE_DOMAIN_NAMES))})$")
DOMAINS_KEPT = 10_000


@lru_cache(DOMAINS_KEPT)
def _is_domain(domain: str) -> bool:
    if PLAIN_DOMAIN.fullmatch(domain) and len(domain) <= LONGEST_DOMAIN and not NO_MAIL.search(domain):
        return True
    try:
        return validate_email(f"a@{domain}", check_deliverability=False).domain == domain
    except EmailNotValidError:
        return False


def _address(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if len(local) <= LONGEST_LOCAL and PLAIN_LOCAL.fullmatch(local) and _is_domain(domain):
        return text
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError("not an e-mail address") from None


def _parted(separator: str | None) -> BeforeValidator:
    def part(value: object) -> object:
        return [word for word in value.split(separator) if word.strip()] if isinstance(value, str) else value

    return BeforeValidator(part)


def _pair(first: str, second: str) -> BeforeValidator:
    def pair(value: object) -> object:
        if not isinstance(value, str):
            return value
        before, _, after = value.partition(":")
        return {first: before, second: after}

    return BeforeValidator(pair)


def _chosen(value: object) -> object:
    return value.split() if isinstance(value, str) and value != ALL else value


Address = Annotated[str, Field(max_length=254), AfterValidator(_address)]
Subjects = Annotated[
    Literal["all"]
    | Annotated[tuple[Annotated[ImportedRight, _pair("subject", "level")], ...], Field(min_length=1, max_length=500)],
    BeforeValidator(_chosen),
]
"""As contracts.imports.ImportedSubjects."""


class Row(Imported):
    """What every row names: the organization acted for."""

    kind: Code
    number: OrganizationNumber

    @property
    def organization(self) -> tuple[str, str]:
        """Kind and number of the organization acted for."""
        return self.kind, self.number


class OrganizationRow(Row):
    """The organization itself; `email` is its address on file.

    `payroll` and `organization_code` are for linking alone: no dump of a row holds them.
    """

    record: Literal["organization"]
    legal_name: OrganizationName
    trade_names: Annotated[tuple[OrganizationName, ...], Field(max_length=20), _parted("|")] = ()
    status: Literal["active", "inactive"]
    email: Address | None = None
    language: Language
    billing_address: Annotated[tuple[AddressLine, ...], Field(max_length=MOST_ADDRESS_LINES), _parted("|")] = ()
    payroll: Annotated[ImportedPayroll | None, _pair("year", "amount")] = Field(default=None, exclude=True, repr=False)
    organization_code: ExistingCode | None = Field(default=None, exclude=True, repr=False)


class ContactRow(Row):
    """A person's file within the organization; the client number is unique there."""

    record: Literal["contact"]
    client_number: ClientNumber
    family_name: PersonName
    given_name: PersonName
    email: Address | None = None
    telephones: Annotated[
        tuple[Annotated[Telephone, _pair("kind", "number")], ...], Field(max_length=10), _parted(None)
    ] = ()
    language: Language


class DatedRow(Row):
    """A relation: in force from `starts_on` to `ends_on`, both included, with its subjects."""

    starts_on: date
    ends_on: date | None = None
    subjects: Subjects

    @model_validator(mode="after")
    def _each_subject_once(self) -> Self:
        if self.subjects != ALL and len({right.subject for right in self.subjects}) < len(self.subjects):
            raise ValueError("a subject is named twice")
        return self


class MembershipRow(DatedRow):
    """How a contact stands to its own organization."""

    record: Literal["membership"]
    client_number: ClientNumber
    type: Code


class HeldRow(DatedRow):
    """A relation of another organization, the holder, or of a member of it."""

    holder_kind: Code
    holder_number: OrganizationNumber

    @property
    def holder(self) -> tuple[str, str]:
        """Kind and number of the organization that acts, or whose member acts."""
        return self.holder_kind, self.holder_number

    @model_validator(mode="after")
    def _not_itself(self) -> Self:
        if self.holder == self.organization:
            raise ValueError("an organization holds no relation to itself")
        return self


class RepresentationRow(HeldRow):
    """The holder acts for the organization."""

    record: Literal["representation"]
    type: Code


class DelegationRow(HeldRow):
    """The holder's contact acts for the organization, through the holder's relation of type `through`."""

    record: Literal["delegation"]
    client_number: ClientNumber
    through: Code


AnyRow = OrganizationRow | ContactRow | MembershipRow | RepresentationRow | DelegationRow
ROW: TypeAdapter[AnyRow] = TypeAdapter(Annotated[AnyRow, Field(discriminator="record")])
COLUMNS = frozenset(
    name
    for model in (OrganizationRow, ContactRow, MembershipRow, RepresentationRow, DelegationRow)
    for name in model.model_fields
)
"""The names that a header of CSV may have."""

KEY_FIELDS = frozenset(OrganizationKey.model_fields)


def unrolled(line: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of one line of NDJSON, not validated yet, each with its place in the line (a JSON pointer).

    Raises ValueError for a line that is neither a row nor a nested line about one organization.
    """
    if "record" in line:
        yield "", dict(line)
        return
    unknown = line.keys() - {"organization", "contacts", "relations", "delegations"}
    own = line.get("organization")
    if unknown or not isinstance(own, dict):
        raise ValueError("neither a row nor a line about one organization")
    key = {name: own[name] for name in KEY_FIELDS & own.keys()}
    holder = {f"holder_{name}": value for name, value in key.items()}
    yield "/organization", {**own, "record": "organization"}
    for at, contact in _parts(line, "contacts"):
        yield at, {**{n: v for n, v in contact.items() if n != "relations"}, **key, "record": "contact"}
        for below, membership in _parts(contact, "relations"):
            number = {"client_number": contact.get("client_number")}
            yield at + below, {**membership, **key, **number, "record": "membership"}
    for part, record in (("relations", "representation"), ("delegations", "delegation")):
        for at, held in _parts(line, part):
            acted_for = held.get("organization")
            named = acted_for if isinstance(acted_for, dict) else {"kind": None}
            rest = {name: value for name, value in held.items() if name != "organization"}
            yield at, {**rest, **named, **holder, "record": record}


def _parts(line: Mapping[str, Any], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a list in a line. Raises ValueError where it is no such list."""
    found = line.get(name, [])
    if not isinstance(found, list) or not all(isinstance(part, dict) for part in found):
        raise ValueError(f"{name} is no list of objects")
    for place, part in enumerate(found):
        yield f"/{name}/{place}", part
