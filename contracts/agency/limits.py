"""limits.yaml: how often, how long, how many. Bounds here are the standards'; data may be stricter."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from contracts.agency.organization_codes import Growth
from contracts.agency.text import Policy

LimitName = Literal[
    "sign_in",
    "calls_per_network",
    "registration_per_address",
    "password_reset_per_address",
    "password_reset_tries",
    "password_resets_in_all",
    "address_proof_tries",
    "email_change_per_account",
    "redemption_per_account",
    "redemption_per_client_number",
    "redemption_per_user_name",
    "redemption_per_user_name_by_others",
    "former_credentials_in_all",
    "contacts_per_organization",
    "relations_per_organization",
    "requests_per_pair",
    "corrections_per_organization",
    "linking_codes_per_organization",
    "linking_codes_per_contact",
    "mails_per_caller",
    "mails_per_mailbox",
    "mails_per_mailbox_from_one_organization",
    "claim_mails_per_mailbox",
    "claim_mails_per_mailbox_from_one_organization",
    "warnings_per_mailbox_from_one_organization",
    "attachments_per_account",
    "misuse_reports_per_account",
]
"""What is counted, and by what. sign_in: failures by the address that signs in. calls_per_network: by the client's
network address, calls to register, to sign in, for a new password, to undo a change and to prove an address, each
counted by itself. registration_per_address: mails with codes to register, to change to an address or to prove one.
password_reset_per_address: mails. password_reset_tries: codes tried, by address, over all its resets; beyond it each
further reset has a single try. address_proof_tries: the same of codes that prove an address. email_change_per_account:
codes asked for. redemption_*: attempts by account, and by client number or former user name, where being over the limit
delays and never locks: either can be guessed, a lock would be a weapon. redemption_per_user_name_by_others: what all
accounts together may still try at a former user name whose budget is spent, but for those whose verified address is on
one of its files. *_in_all: by anybody in the whole deployment; past it everybody waits a little and operators are told,
nobody is refused. contacts_per_organization: contacts added, each of whom gets a mail. relations_per_organization:
relations added or proposed to others by their number, which could be guessed. requests_per_pair: what one organization
asks of another, each of which, and its withdrawal, writes to both. corrections_per_organization: corrections of
contacts, each of which writes to an address that somebody typed. linking_codes_*: codes that those who manage an
organization send, by that organization and by the contact, whose mailbox they fill; an agent's are not counted.
mails_per_*: mails to addresses that those who manage organizations typed (contacts added, corrections, codes), by the
account that causes them, by the mailbox they go to, and by both that and the organization. claim_mails_per_*: mails of
accounts' claims, told to those who manage the organization, by the same two, and apart from them. warnings_per_*: mails
of each kind that warns (who manages the organization, who is kept out), by mailbox and organization.
attachments_per_account: files uploaded. misuse_reports_per_account: reports of misuse; an agent's are not counted."""

LIMIT_NAMES: tuple[LimitName, ...] = get_args(LimitName)

SHARED_BY_NETWORKS: frozenset[LimitName] = frozenset(
    {"sign_in", "registration_per_address", "password_reset_per_address"}
)
"""What strangers to an address could spend for its owner. One network may spend a part (`from_one_network`); a network
from which the owner was let in before has that part for itself, whatever others have spent."""

MAX_SIGN_IN_FAILURES = 100
"""NIST SP 800-63B-4 3.2.2: consecutive failures allowed on one account, at most."""


class OneTimeCode(Policy):
    """Six digits sent by mail.

    ASVS 5.0 6.5.5 and NIST SP 800-63B-4 3.1.3.2: valid at most 10 minutes. ASVS 5.0 6.6.3: wrong tries are
    limited, and a new code gives no new tries.
    """

    minutes: int = Field(ge=1, le=10)
    tries: int = Field(ge=1, le=10)
    resend_after_seconds: int = Field(ge=10, le=600)

    @property
    def lifetime(self) -> timedelta:
        """From the mail's request."""
        return timedelta(minutes=self.minutes)


class ConfirmationLink(Policy):
    """The link of a registration, sent by mail.

    NIST SP 800-63A-4 allows a code sent to an e-mail address at most 24 hours. Wrong tries are of the password that its
    page asks for, or of the token; a new link gives no new tries (ASVS 5.0 6.6.3).
    """

    hours: int = Field(ge=1, le=24)
    tries: int = Field(ge=1, le=10)
    resend_after_seconds: int = Field(ge=10, le=600)

    @property
    def lifetime(self) -> timedelta:
        """From the mail's request."""
        return timedelta(hours=self.hours)


class PasswordLength(Policy):
    """Length in characters (code points).

    NIST SP 800-63B-4 3.1.1.2: at least 15 where the password is the only factor, and a maximum of at least 64
    (ASVS 5.0 6.2.9 says the same). The upper bound keeps the work of hashing bounded.
    """

    minimum: int = Field(ge=15, le=64)
    maximum: int = Field(ge=64, le=128)


class Budget(Policy):
    """`count` attempts per window of `per_seconds`; of them so many `from_one_network`, where it is given."""

    count: int = Field(ge=1, le=100_000)
    per_seconds: int = Field(ge=1, le=86_400)
    from_one_network: int | None = Field(default=None, ge=1)


def _bounded(attempts: Mapping[LimitName, Budget]) -> Mapping[LimitName, Budget]:
    for name, budget in attempts.items():
        if (budget.from_one_network is not None) != (name in SHARED_BY_NETWORKS):
            raise ValueError(
                f"`{name}` " + ("lacks" if name in SHARED_BY_NETWORKS else "has no") + " `from_one_network`"
            )
        if budget.from_one_network is not None and budget.from_one_network >= budget.count:
            raise ValueError(f"`{name}` lets one network spend all of it")
    if "sign_in" in attempts and attempts["sign_in"].count > MAX_SIGN_IN_FAILURES:
        raise ValueError(f"`sign_in` allows more than {MAX_SIGN_IN_FAILURES} failures on one account")
    return attempts


class OrganizationCodeLimits(Policy):
    """What bounds guessing at organization codes, which are short.

    `per_account`: claims of one account. `per_organization`: tries of one organization's code, by whomever; one
    that comes sooner is not compared. `wrong_tries`: after so many the code is locked until a new letter goes out. NIST
    SP 800-63B-4 3.2.2: at most 100.
    `renewals_per_organization`: letters that those who manage an organization cause. `in_all`: claims of everybody;
    past it each waits a little. `letters_at_once`: of one printing. `waits_per_account`: calls of one account that wait
    for news of its claims at a time, in one process.
    """

    per_account: Growth
    per_organization: Growth
    wrong_tries: int = Field(ge=1, le=100)
    renewals_per_organization: Budget
    in_all: Budget
    letters_at_once: int = Field(ge=1, le=1_000)
    waits_per_account: int = Field(ge=1, le=50)


class Limits(Policy):
    """The file as a whole; `attempts` has every LimitName but those of what the agency does without (features.py)."""

    one_time_code: OneTimeCode
    confirmation_link: ConfirmationLink | None = None
    password: PasswordLength
    attempts: Annotated[Mapping[LimitName, Budget], AfterValidator(_bounded)]
    organization_codes: OrganizationCodeLimits | None = None
