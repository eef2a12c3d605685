"""What the handlers of this service work with."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from chassis.keys import Keyring
from chassis.sealing import Sealer, Vault
from contracts.agency import Agency
from contracts.agency.relations import RelationType
from services.authorizations.access.domain import Acting, Moment
from services.authorizations.matching.domain import Matcher


@dataclass(frozen=True)
class Tools:
    """The agency's data, its calendar, what digests, what seals mails, and what keeps files."""

    agency: Agency
    time_zone: ZoneInfo
    keyring: Keyring
    sealer: Sealer
    vault: Vault

    @cached_property
    def delegable(self) -> tuple[str, ...]:
        """Codes of the subjects that a firm may pass on to its members."""
        return tuple(subject.code for subject in self.agency.subjects.values() if subject.delegable)

    @cached_property
    def matcher(self) -> Matcher:
        """What compares the files of persons."""
        return Matcher(self.agency.matching)

    @cached_property
    def managing_types(self) -> tuple[str, ...]:
        """Codes of the relation types whose members may manage their organization; retired ones too."""
        return tuple(found.code for found in self.agency.relation_types.values() if found.manages)

    def moment(self, at: datetime, recorded_at: datetime | None = None) -> Moment:
        """An instant as the one query wants it; by what was known at `recorded_at`, else by what is known now."""
        return Moment(at, self.day(at), self.delegable, recorded_at)

    def day(self, instant: datetime) -> date:
        """The agency's legal day at an instant."""
        return instant.astimezone(self.time_zone).date()

    def manages(self, acting: Acting) -> bool:
        """Whether the profile may manage its organization: one of its functions does."""
        return self.managing_function(acting) is not None

    def managing_function(self, acting: Acting) -> str | None:
        """The function by which the profile may manage its organization, the first by its code; None when none does."""
        return min((code for code in acting.functions if self.relation_type(code).manages), default=None)

    def relation_type(self, code: str) -> RelationType:
        """A relation type by its code; retired ones too."""
        return self.agency.relation_types[code]
