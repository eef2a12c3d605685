"""Judging the rows of a portion against what stands: what each would make, or why it is rejected."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal
from uuid import UUID

from contracts.agency import Agency
from contracts.agency.references import unfit
from contracts.extract import (
    RECORDS,
    AnyRow,
    ContactRow,
    DatedRow,
    DelegationRow,
    HeldRow,
    MembershipRow,
    OrganizationRow,
    RepresentationRow,
)
from contracts.imports import ImportedRight
from services.authorizations.imports.reading import Defect, SealedFacts
from services.authorizations.periods import Period
from services.authorizations.relations.domain import ALL, Grant, NewRelation

OrganizationKey = tuple[str, str]  # kind, number
ContactKey = tuple[OrganizationKey, str]  # organization, client number
HolderKey = OrganizationKey | ContactKey
Holding = tuple[HolderKey, OrganizationKey]  # who holds, the organization acted for
Grants = Sequence[Grant] | Sequence[ImportedRight]
Verdict = Literal["created", "changed", "unchanged", "rejected"]


@dataclass(frozen=True)
class Staged:
    """A row of the extract and where it stood."""

    place: int
    line: int
    at: str
    row: AnyRow
    facts: SealedFacts | None = None


@dataclass(frozen=True)
class Portion:
    """Rows that are judged together, in the order in which they are, and what they name: known before what stands is.

    `about` are the organizations acted for: whatever the rows make is in the files of these; `organizations` are they
    and all others that are named. `members` are contacts that rows bring or name; `holdings` are between whom relations
    are looked for: those that rows would make, and those that delegations hang on.
    """

    rows: Sequence[Staged]
    about: set[OrganizationKey]
    organizations: set[OrganizationKey]
    members: set[ContactKey]
    holdings: set[Holding]

    @classmethod
    def of(cls, rows: Iterable[Staged]) -> "Portion":
        """In the order of RECORDS, else in the extract's."""
        ordered = sorted(rows, key=lambda one: (RECORDS.index(one.row.record), one.place))
        about = {one.row.organization for one in ordered}
        organizations, members, holdings = set(about), set[ContactKey](), set[Holding]()
        for staged in ordered:
            organization = staged.row.organization
            match staged.row:
                case ContactRow(client_number=number):
                    members.add((organization, number))
                case MembershipRow(client_number=number):
                    members.add((organization, number))
                    holdings.add(((organization, number), organization))
                case RepresentationRow(holder=holder):
                    organizations.add(holder)
                    holdings.add((holder, organization))
                case DelegationRow(holder=firm, client_number=number):
                    organizations.add(firm)
                    members.add((firm, number))
                    holdings |= {((firm, number), organization), (firm, organization), ((firm, number), firm)}
        return cls(ordered, about, organizations, members, holdings)


@dataclass(frozen=True)
class Facts:
    """What an organization's file says of it."""

    legal_name: str
    trade_names: tuple[str, ...]
    email: str | None
    language: str
    active: bool
    billing_address: tuple[str, ...] = ()

    @classmethod
    def of(cls, row: OrganizationRow) -> "Facts":
        """As a row has them."""
        return cls(
            row.legal_name, row.trade_names, row.email, row.language, row.status == "active", row.billing_address
        )


@dataclass(frozen=True)
class Code:
    """Whether an organization was given a code, and the digest of what linking alone knows of it."""

    generation: int
    digest: bytes | None


@dataclass(frozen=True)
class Held:
    """A relation that stands, or stood; `through_type` is the type of the relation that a delegation goes through."""

    relation_id: UUID
    type: str
    period: Period
    ended: bool
    through: UUID | None = None
    through_type: str | None = None
    membership: UUID | None = None


@dataclass
class Known:
    """What stood before the portion, of whatever its rows name. Judging adds what they make."""

    organizations: dict[OrganizationKey, UUID]
    facts: dict[OrganizationKey, Facts]
    contacts: dict[ContactKey, UUID]
    held: dict[tuple[UUID, UUID], list[Held]]  # holder, organization acted for
    codes: dict[OrganizationKey, Code] = field(default_factory=dict)


@dataclass
class Judged:
    """What a portion comes to. `touched` are contacts that stood before and have more relations now.

    `facts` are what linking alone may read and does not know yet, `coded` the organizations that get their first code.
    """

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    defects: list[tuple[Staged, Defect]] = field(default_factory=list)
    new_organizations: list[tuple[UUID, OrganizationRow]] = field(default_factory=list)
    changed_organizations: list[tuple[UUID, OrganizationRow]] = field(default_factory=list)
    new_contacts: dict[UUID, tuple[UUID, Staged]] = field(default_factory=dict)  # contact → organization, row
    new_relations: list[tuple[NewRelation, Grants]] = field(default_factory=list)
    touched: set[UUID] = field(default_factory=set)
    facts: dict[UUID, SealedFacts] = field(default_factory=dict)
    coded: set[UUID] = field(default_factory=set)


class Judge:
    """Judges rows one after another; what one makes, the next may rely on."""

    def __init__(self, agency: Agency, today: date, known: Known, new_id: Callable[[], UUID]) -> None:
        self.judged = Judged()
        self._agency = agency
        self._today = today
        self._known = known
        self._new_id = new_id
        self._said: dict[object, tuple[AnyRow, bytes | None]] = {}  # by accepted rows, by what they are about

    def judge(self, rows: Iterable[Staged]) -> None:
        """Row by row: `judged` tells what they come to."""
        for staged in rows:
            found = self._judge(staged)
            if isinstance(found, Defect):
                self.judged.defects.append((staged, found))
                self.judged.verdicts["rejected"] += 1
            else:
                self.judged.verdicts[found] += 1

    def _judge(self, staged: Staged) -> Verdict | Defect:
        row = staged.row
        about = _about(row)
        said = (row, staged.facts.digest if staged.facts else None)
        earlier = self._said.get(about)
        if earlier is not None:
            return "unchanged" if earlier == said else Defect("contradictory_row")
        match row:
            case OrganizationRow():
                found = self._organization(row, staged.facts)
            case ContactRow():
                found = self._contact(row, staged)
            case MembershipRow():
                found = self._membership(row)
            case RepresentationRow():
                found = self._representation(row)
            case DelegationRow():
                found = self._delegation(row)
        if not isinstance(found, Defect):
            self._said[about] = said
        return found

    def _organization(self, row: OrganizationRow, facts: SealedFacts | None) -> Verdict | Defect:
        if fault := unfit(row, self._agency):
            return Defect(*fault)
        organization_id = self._known.organizations.get(row.organization)
        if organization_id is None:
            organization_id = self._known.organizations[row.organization] = self._new_id()
            self.judged.new_organizations.append((organization_id, row))
            self._code(organization_id, row, facts)
            return "created"
        has_news = self._code(organization_id, row, facts)
        if self._known.facts.get(row.organization) == Facts.of(row) and not has_news:
            return "unchanged"
        self.judged.changed_organizations.append((organization_id, row))
        return "changed"

    def _code(self, organization_id: UUID, row: OrganizationRow, facts: SealedFacts | None) -> bool:
        """What linking needs to hear for the organization's code: facts that are new, and that it is due its first."""
        known = self._known.codes.get(row.organization, Code(0, None))
        is_due = self._agency.organization_kinds[row.kind].has_code and row.status == "active" and not known.generation
        is_new = facts is not None and facts.digest != known.digest
        if is_due:
            self.judged.coded.add(organization_id)
        if facts is not None and is_new:
            self.judged.facts[organization_id] = facts
        return is_due or is_new

    def _contact(self, row: ContactRow, staged: Staged) -> Verdict | Defect:
        organization_id = self._known.organizations.get(row.organization)
        if organization_id is None:
            return _unknown(row.organization)
        key = (row.organization, row.client_number)
        if key in self._known.contacts:
            return "unchanged"  # whoever corrected it since knows better than the extract
        contact_id = self._known.contacts[key] = self._new_id()
        self.judged.new_contacts[contact_id] = (organization_id, staged)
        if row.email is None:
            self.judged.defects.append((staged, Defect("no_email", rejects=False)))
        return "created"

    def _membership(self, row: MembershipRow) -> Verdict | Defect:
        organization_id = self._known.organizations.get(row.organization)
        if organization_id is None:
            return _unknown(row.organization)
        contact_id = self._known.contacts.get((row.organization, row.client_number))
        if contact_id is None:
            return _orphaned("contact")
        if fault := unfit(row, self._agency):
            return Defect(*fault)
        new = NewRelation(
            self._new_id(), "contact", contact_id, organization_id, organization_id, row.type, _period(row)
        )
        found = self._add(new, row)
        if found == "created" and contact_id not in self.judged.new_contacts:
            self.judged.touched.add(contact_id)
        return found

    def _representation(self, row: RepresentationRow) -> Verdict | Defect:
        parties = self._parties(row)
        if isinstance(parties, Defect):
            return parties
        organization_id, holder_id = parties
        if fault := unfit(row, self._agency):
            return Defect(*fault)
        new = NewRelation(self._new_id(), "organization", holder_id, holder_id, organization_id, row.type, _period(row))
        return self._add(new, row)

    def _delegation(self, row: DelegationRow) -> Verdict | Defect:
        parties = self._parties(row)
        if isinstance(parties, Defect):
            return parties
        organization_id, firm_id = parties
        contact_id = self._known.contacts.get((row.holder, row.client_number))
        if contact_id is None:
            return _orphaned("contact")
        if fault := unfit(row, self._agency):
            return Defect(*fault)
        delegation = self._agency.delegation_type
        assert delegation is not None  # without one the row is unfit
        period = _period(row)
        if self._stood_before(contact_id, organization_id, delegation.code, period, row.through):
            return "unchanged"
        through = _carrying(self._known.held.get((firm_id, organization_id), ()), period, row.through)
        if through is None:
            return _orphaned("through")
        membership = _carrying(self._known.held.get((contact_id, firm_id), ()), period)
        if membership is None:
            return _orphaned("membership")
        new = NewRelation(
            self._new_id(), "contact", contact_id, firm_id, organization_id, delegation.code, period,
            through.relation_id, membership.relation_id, all_rights=row.subjects == ALL,
        )  # fmt: skip
        return self._add(new, row, row.through)

    def _parties(self, row: HeldRow) -> tuple[UUID, UUID] | Defect:
        """The organization acted for, and the one that acts or whose member acts."""
        organization_id = self._known.organizations.get(row.organization)
        holder_id = self._known.organizations.get(row.holder)
        if organization_id is None:
            return _unknown(row.organization)
        return _unknown(row.holder) if holder_id is None else (organization_id, holder_id)

    def _add(self, new: NewRelation, row: DatedRow, through_type: str | None = None) -> Verdict | Defect:
        if self._stood_before(new.holder_id, new.organization_id, new.type, new.period, through_type):
            return "unchanged"
        standing = self._known.held.setdefault((new.holder_id, new.organization_id), [])
        way = (new.type, new.through, new.membership)
        for held in standing:
            if (
                not held.ended
                and (held.type, held.through, held.membership) == way
                and _overlap(held.period, new.period)
            ):
                return Defect("overlapping_dates", {"starts_on": held.period.starts_on.isoformat()})
        standing.append(Held(new.relation_id, new.type, new.period, False, new.through, through_type, new.membership))
        self.judged.new_relations.append((new, () if new.all_rights else self._grants(row)))
        return "created"

    def _stood_before(
        self, holder_id: UUID, organization_id: UUID, type: str, period: Period, through_type: str | None
    ) -> bool:
        """Whether it was made once, ended or not: an extract that comes again revives nothing."""
        return any(
            (held.type, held.through_type, held.period.starts_on) == (type, through_type, period.starts_on)
            for held in self._known.held.get((holder_id, organization_id), ())
        )

    def _grants(self, row: DatedRow) -> Grants:
        if row.subjects == ALL:
            ceiling = self._agency.ceiling(row.kind, max(row.starts_on, self._today))
            return [Grant(subject.code, "write") for subject in ceiling]
        return row.subjects


def ranks(agency: Agency) -> Mapping[str, int]:
    """In which order kinds of organizations are brought in: those that act for others before those others.

    Kinds that act for each other have no such order; what an extract could not bring in for that reason, the same
    extract brings in when it comes again.
    """
    acting = defaultdict[str, set[str]](set)
    for type in agency.relation_types.values():
        if type.shape == "representation":
            for kind in type.of_kinds:
                acting[kind] |= {by for by in type.by_kinds if by != kind}
    found = dict.fromkeys(agency.organization_kinds, 0)
    for _ in found:
        found = {kind: max((found[by] + 1 for by in acting[kind]), default=0) for kind in found}
    return found


def _about(row: AnyRow) -> object:
    """What two rows that speak of the same thing have in common."""
    match row:
        case OrganizationRow():
            return ("organization", row.organization)
        case ContactRow():
            return ("contact", row.organization, row.client_number)
        case MembershipRow():
            return ("membership", row.organization, row.client_number, row.type, row.starts_on)
        case RepresentationRow():
            return ("representation", row.organization, row.holder, row.type, row.starts_on)
        case DelegationRow():
            return ("delegation", row.organization, row.holder, row.client_number, row.through, row.starts_on)


def _period(row: DatedRow) -> Period:
    return Period.of(row.starts_on, row.ends_on)


def _overlap(one: Period, other: Period) -> bool:
    return (one.ends_on is None or other.starts_on <= one.ends_on) and (
        other.ends_on is None or one.starts_on <= other.ends_on
    )


def _carrying(standing: Iterable[Held], period: Period, type: str | None = None) -> Held | None:
    """The relation that a delegation can hang on: not withdrawn, at some time in force with it, the one that lasts."""
    fitting = [
        held
        for held in standing
        if not held.ended and held.through is None and type in (None, held.type) and _overlap(held.period, period)
    ]
    return max(fitting, key=lambda held: (held.period.ends_on is None, held.period.ends_on or date.min), default=None)


def _unknown(organization: OrganizationKey) -> Defect:
    return Defect("unknown_organization", {"organization": ":".join(organization)})


def _orphaned(missing: Literal["contact", "membership", "through"]) -> Defect:
    return Defect("orphaned_relation", {"missing": missing})
