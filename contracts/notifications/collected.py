"""Mails that tell several things at once: of ends that come, and of what budgets held back."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.events import Code
from contracts.notifications.requests import Contents, MailRequest

MailBudget = Literal["strangers", "managers", "warnings"]
"""Of which budget mails were held back: what accounts cause that claim an organization, what those who manage one
cause, and what somebody has to hear of."""


class HeldBack(BaseModel):
    """How many mails one budget held back."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    budget: MailBudget
    number: Annotated[int, Field(ge=1)]


class Ending(BaseModel):
    """Something that ends on a day: a relation as a whole, or with `subject` one right of it.

    `organization_name` is the one acted for. `member_name` and `function` are of the person who acts; a firm's own
    relation has no person, and `function` is how it stands to the client.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    ends_on: date
    organization_name: str
    member_name: str = ""
    function: Code
    subject: Code | None = None


class Endings(BaseModel):
    """The first of what ends, in order of day, and how many more there are."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    listed: tuple[Ending, ...] = ()
    more: Annotated[int, Field(ge=0)] = 0


class DigestFile(BaseModel):
    """Another file of the same person, and until when its list is to be confirmed, where that is to be told."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    organization_name: str
    organization_number: str
    confirm_by: date | None = None


class DigestFiles(BaseModel):
    """The first of them by name, and how many more there are."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    listed: tuple[DigestFile, ...] = ()
    more: Annotated[int, Field(ge=0)] = 0


class CollectedContents(Contents):
    """`others`: the other organizations of which something was held back from the same mailbox."""

    others: DigestFiles = DigestFiles()


class MailsCollectedMail(MailRequest):
    """In place of the mails to one mailbox that were more than it is sent on one day: how many, and of what.

    In clear stands the first of the organizations concerned; `held` counts all that is about any of them.
    """

    mail: ClassVar[str] = "mails_collected"
    contents: ClassVar[type[Contents]] = CollectedContents
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "day", "held", "support_email"})

    organization_name: str
    organization_number: str
    day: date
    held: tuple[HeldBack, ...]


class EndsDigestContents(Contents):
    """What ends soon, today, or ended while nobody could be told: it names persons. `others`: where else that is."""

    ends: Endings = Endings()
    others: DigestFiles = DigestFiles()


class EndsDigestMail(MailRequest):
    """What one person should know on one day: what ends, and until when a list is to be confirmed.

    In clear stands the first of the person's files; the others, and what ends in any of them, stand under the seal.
    `late_since`: the first day on which something of it should have been told, had nothing failed; null when none was.
    """

    mail: ClassVar[str] = "ends_digest"
    contents: ClassVar[type[Contents]] = EndsDigestContents
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "day", "ends", "confirm_by", "portal_url"})

    organization_name: str
    organization_number: str
    day: date
    confirm_by: date | None = None
    late_since: date | None = None
