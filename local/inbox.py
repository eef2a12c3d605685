"""The inbox: an SMTP server that accepts every mail, shows it, and sends nothing on."""

import email
import email.policy
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT = 5000
"""Mails kept in memory; older ones are forgotten (their .eml files stay)."""


@dataclass(frozen=True)
class Mail:
    """One received mail.

    `received_at` is the moment at which its data ended; `to` comes from the SMTP envelope.
    """

    id: str
    received_at: datetime
    to: list[str]
    sender: str
    content: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The mail as its reader's program understands it; read when somebody looks, for that takes milliseconds."""
        message = email.message_from_bytes(self.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return message

    @property
    def subject(self) -> str:
        return str(self.message["subject"] or "")

    def body(self, kind: str) -> str:
        """The text of the `plain` or `html` part; empty when there is none."""
        part = self.message.get_body((kind,))
        content = part.get_content() if isinstance(part, EmailMessage) else ""
        return content if isinstance(content, str) else ""

    def as_json(self) -> dict[str, object]:
        """What GET /mails shows. Headers keep their order; one that occurs twice is a pair twice."""
        return {
            "id": self.id,
            "to": self.to,
            "from": self.sender,
            "subject": self.subject,
            "received_at": self.received_at.isoformat(timespec="microseconds"),
            "text": self.body("plain"),
            "html": self.body("html"),
            "headers": [[name, str(value)] for name, value in self.message.items()],
        }


@dataclass
class Inbox:
    """The mails, oldest first. Given a folder, each is also kept there as ID.eml."""

    folder: Path | None = None
    _mails: dict[str, Mail] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd when the data of a mail have ended."""
        now = datetime.now(UTC)
        content = envelope.original_content or b""
        mail = Mail(f"{next(self._numbers):06}", now, list(envelope.rcpt_tos), envelope.mail_from or "", content)
        self._mails[mail.id] = mail
        if len(self._mails) > KEPT:
            del self._mails[next(iter(self._mails))]
        if self.folder is not None:
            (self.folder / f"{mail.id}.eml").write_bytes(content)
        return f"250 Kept as {mail.id}"

    def find(self, to: str | None = None, since: datetime | None = None) -> list[Mail]:
        """Mails to this address (in any case) received at or after `since`, oldest first."""
        wanted = None if to is None else to.casefold()
        return [
            mail
            for mail in self._mails.values()
            if (wanted is None or wanted in map(str.casefold, mail.to)) and (since is None or mail.received_at >= since)
        ]

    def get(self, mail_id: str) -> Mail | None:
        return self._mails.get(mail_id)

    def clear(self) -> None:
        """Forgets all mails. Ids are not used again."""
        self._mails.clear()
