"""mandates.yaml: which services a professional may have somebody use for them, and what such a mandate must bring."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from contracts.agency.text import Policy
from contracts.events import Code, Level

MandateSide = Literal["professional", "delegate"]
"""Who signs a mandate: the one who gives it, and the one who acts by it."""

Domain = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$", max_length=253)
]
"""The part of an address after the @, in lower case."""

LocalPart = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""The part of an address before the @, in lower case, without accents."""


class MandatedService(Policy):
    """A subject that a mandate may be about, and who is eligible.

    The delegate gets it at `level`. `professions`: relation types of those who may give such a mandate; `roles`: those
    that the delegate may have there. A mandate lasts `most_days` at most, both its days included; absent: as
    long as both sides agree.
    """

    subject: Code
    level: Level
    professions: tuple[Code, ...] = Field(min_length=1, max_length=50)
    roles: tuple[Code, ...] = Field(min_length=1, max_length=50)
    most_days: int | None = Field(default=None, ge=1, le=3660)


class AttestedSides(Policy):
    """The attestations of forms.yaml that each side ticks before it signs, in order."""

    professional: tuple[Code, ...] = Field(min_length=1, max_length=10)
    delegate: tuple[Code, ...] = Field(min_length=1, max_length=10)

    def of(self, side: MandateSide) -> tuple[Code, ...]:
        """What that side attests."""
        return self.professional if side == "professional" else self.delegate


class MailProvider(Policy):
    """Who keeps mailboxes that are reached by several spellings of one address.

    `domains`: each names the same mailboxes. `ignores_dots`: dots before the @ do not count. `tag_separator`: what
    follows it before the @ is a label of the owner's own; absent: as everywhere.
    """

    domains: tuple[Domain, ...] = Field(min_length=1, max_length=20)
    ignores_dots: bool = False
    tag_separator: Annotated[str, StringConstraints(pattern=r"^[+=_-]$")] | None = None


class MandateAddresses(Policy):
    """When an address is one person's alone, as far as its spelling says.

    `role_names` before the @ stand for a function and so for whoever holds it, with or without hyphen, dot or digits.
    `tag_separator` is that of every provider that is not listed with one of its own.
    """

    role_names: frozenset[LocalPart] = Field(min_length=1, max_length=500)
    tag_separator: Annotated[str, StringConstraints(pattern=r"^[+=_-]$")] = "+"
    providers: tuple[MailProvider, ...] = Field(default=(), max_length=100)

    def provider(self, domain: str) -> MailProvider | None:
        """The provider that keeps this domain's mailboxes, as far as the data know; `domain` in lower case."""
        return next((provider for provider in self.providers if domain in provider.domains), None)


class UserNameShape(Policy):
    """A user name that the platform draws: `prefix`, then so many digits. It says nothing about its person."""

    prefix: Annotated[str, StringConstraints(pattern=r"^[a-z]{0,8}$")]
    digits: int = Field(ge=6, le=12)


class MandateCredentials(Policy):
    """What a delegate without an account is given: a user name, and a password that works once within these hours.

    NIST SP 800-63A-4 allows an enrolment code sent to a validated address of e-mail 24 hours, one sent by post 30 days;
    a temporary password gives nothing but the choice of a lasting one.
    """

    user_name: UserNameShape
    password_hours: int = Field(ge=1, le=720)


class MachineApproval(Policy):
    """Whether a machine may approve a mandate in an agent's place, and for which services.

    Only what leaves nothing to judge: both sides have signed, both addresses are verified and pass every rule, nobody
    looks like the delegate, and both are eligible.
    """

    approves: bool = False
    services: tuple[Code, ...] = Field(default=(), max_length=100)

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if self.approves != bool(self.services):
            raise ValueError("`services` are named where a machine `approves`, and only there")
        return self


def _once_each(services: tuple[MandatedService, ...]) -> tuple[MandatedService, ...]:
    if len({service.subject for service in services}) < len(services):
        raise ValueError("a subject stands here a second time")
    return services


class Mandates(Policy):
    """The file as a whole; an agency without it has no mandates.

    `questionnaire`: whoever mandates somebody answers that one first. Both sides have `signing_days` to sign, and who
    has not is told again so many days before the last one (`signing_reminders`). `most_at_once`: mandates of one list.
    """

    questionnaire: Code
    services: Annotated[tuple[MandatedService, ...], Field(min_length=1, max_length=100), AfterValidator(_once_each)]
    attestations: AttestedSides
    signing_days: int = Field(ge=1, le=365)
    signing_reminders: tuple[Annotated[int, Field(ge=1, le=364)], ...] = Field(default=(), max_length=5)
    most_at_once: int = Field(ge=1, le=200)
    addresses: MandateAddresses
    credentials: MandateCredentials
    machine: MachineApproval = MachineApproval()

    @model_validator(mode="after")
    def _reminds_in_time(self) -> Self:
        if any(days >= self.signing_days for days in self.signing_reminders):
            raise ValueError("a reminder comes before the last day to sign: fewer than `signing_days` before it")
        return self

    @property
    def by_subject(self) -> Mapping[str, MandatedService]:
        """The services by their subject."""
        return {service.subject: service for service in self.services}
