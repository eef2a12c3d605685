"""What the load asked of the gateways, and what they answered: the one side of the checker's comparison."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
"""When whatever the harness lets pass has passed: longer ago than anything is kept or waited for."""


class Kind(StrEnum):
    """The commands that the load gives."""

    REGISTER = "register"
    RESEND = "resend"
    VERIFY = "verify"
    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    LINK = "link"
    BATCH = "batch"
    ADD_CONTACT = "add_contact"
    ADD_KNOWN = "add_known"
    RETURN = "return"
    SUBMIT_AGAIN = "submit_again"
    DELEGATE = "delegate"
    REMOVE = "remove"
    REDEEM_FORMER = "redeem_former"
    UNLINK = "unlink"
    CONTEST = "contest"
    CORRECT = "correct"
    PROPOSE = "propose"
    PROPOSE_END = "propose_end"
    DECIDE = "decide"
    ASK_ADDRESS = "ask_address"
    VERIFY_ADDRESS = "verify_address"
    UNDO_ADDRESS = "undo_address"
    ASK_PASSWORD = "ask_password"
    CHOOSE_PASSWORD = "choose_password"
    UPLOAD = "upload"
    CLAIM = "claim"
    WITHDRAW = "withdraw"
    CHECK = "check"  # may oneself act now? It changes nothing, and its answer is held against blocks
    BLOCK = "block"
    UNBLOCK = "unblock"
    INVITE = "invite"
    ACCEPT = "accept"
    RENEW = "renew"
    PRINT = "print"
    APPOINT = "appoint"
    RELEASE = "release"
    REPLACE = "replace"
    MANDATE = "mandate"
    SIGN = "sign"
    FIRST_SIGN_IN = "first_sign_in"
    REVOKE = "revoke"
    RENEW_MANDATE = "renew_mandate"
    EXTRACT = "extract"
    IMPORT = "import"  # not over HTTP: an operator's command, whose exit status is its answer
    LAPSE = "lapse"  # nobody's command: time passes, and the last day of a request with it
    OUTLIVE = "outlive"  # the same, and for as long as an attachment is kept


@dataclass
class Command:
    """One command: what it named, how often it was sent, and the answer that settled it.

    A request without an answer, or with one of 5xx, may have been carried out or not: `unanswered` counts them. The
    same request was then sent again, with the same `key` where the gateway takes one. `presumed`: the answer said only
    that nothing is left to be done, and an earlier request without an answer did that, or somebody else.
    """

    kind: Kind
    asked: Mapping[str, str]
    begun_at: datetime
    key: str | None = None
    route: str = ""
    requests: int = 0
    unanswered: int = 0
    answered_at: datetime | None = None
    status: int | None = None
    problem: str | None = None
    presumed: bool = False
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        """Whether the gateway said that it was carried out."""
        return self.status is not None and self.status < 300

    @property
    def may_have_happened(self) -> bool:
        """Whether some request of it may have been carried out."""
        return self.accepted or self.unanswered > 0


@dataclass
class History:
    """Every command, in the order in which they were begun."""

    commands: list[Command] = field(default_factory=list)

    def begin(self, command: Command) -> Command:
        """Note a command before its first request is sent."""
        self.commands.append(command)
        return command

    def accepted_kinds(self) -> set[Kind]:
        """Of which at least one was accepted."""
        return {command.kind for command in self.commands if command.accepted}

    def summary(self) -> Counter[str]:
        """How many commands of each kind ended how."""
        return Counter(
            f"{command.kind}: {'accepted' if command.accepted else command.problem or 'never answered'}"
            for command in self.commands
        )
