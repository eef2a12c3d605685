"""What a mail that came back says: a delivery report (RFC 3464), a complaint (ARF, RFC 5965), or nothing to us.

Everything here was written by strangers' programs. Nothing is believed but a few words of fixed vocabularies, and
nothing of it is kept or logged but a status code: reports quote addresses and whole mails.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import policy
from email.message import Message
from email.parser import BytesParser
from typing import Any

# Headers as they stand: the parsing of structured headers chokes on some that strangers write.
PARSER = BytesParser(policy=policy.compat32)

STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")  # RFC 3463, 2
SAID = re.compile(r"smtp\s*;\s*(?:[45]\d\d[ -])?#?([45]\.\d{1,3}\.\d{1,3})(?![\d.])", re.IGNORECASE)
NO_STATUS = "5.0.0"  # RFC 3463: other undefined status
WITHOUT_DETAIL = ("4.0.0", NO_STATUS)  # what hosts write that keep the true status in Diagnostic-Code: Exim
COMPLAINTS = frozenset({"abuse", "fraud"})  # feedback types by which a person calls a mail unwanted (RFC 5965, 7.3)
LONGEST_FIELD = 500  # characters of a field that we look at

# What makes the parser's work grow with the square of the size, and what no report has: parts within parts without
# end, each of which looks at every line; a Content-Type of endless parameters; and line ends that only the parser sees.
MOST_LINES = 5000  # ours have some 300, and a report quotes one at most
MOST_BOUNDARIES = 30
ENDLESS = re.compile(rb"^content-type:(?:[^\n]|\n[ \t]){300}", re.IGNORECASE | re.MULTILINE)
LONE_CARRIAGE_RETURN = re.compile(rb"\r(?!\n)")  # ends a line for the parser; in no mail (RFC 5321, 2.3.8)


@dataclass(frozen=True)
class Failed:
    """It will not be delivered. `status` is an enhanced status code; one of class 4 means they gave up trying."""

    status: str


@dataclass(frozen=True)
class Complained:
    """Its reader called it unwanted."""


@dataclass(frozen=True)
class Ignored:
    """It changes nothing; `why` in one word."""

    why: str


Finding = Failed | Complained | Ignored


@dataclass(frozen=True)
class Report:
    """What came back. `return_paths` are envelope senders that a complaint quotes, to know the mail by."""

    finding: Finding
    return_paths: tuple[str, ...] = ()


def read(content: bytes) -> Report:
    """What a mail says that came back. Never raises, whatever the bytes."""
    if _is_hard(content):
        return Report(Ignored("unreadable"))
    try:
        return _read(PARSER.parsebytes(content))
    except Exception:  # the parser raises many kinds: RecursionError, LookupError for a charset, ValueError, its own
        return Report(Ignored("unreadable"))


def _is_hard(content: bytes) -> bool:
    return (
        content.count(b"\n") > MOST_LINES
        or content.lower().count(b"boundary") > MOST_BOUNDARIES
        or LONE_CARRIAGE_RETURN.search(content) is not None
        or ENDLESS.search(content) is not None
    )


def _read(message: "Message[str, str]") -> Report:
    if message.get_content_type() == "multipart/report":
        kind = str(message.get_param("report-type", "")).lower()
        parts = [part for part in message.get_payload() if isinstance(part, Message)]
        if kind == "delivery-status":
            return Report(_delivery(_fields(parts, "message/delivery-status")))
        if kind == "feedback-report":
            return _feedback(_fields(parts, "message/feedback-report"), parts)
    if message.get("Auto-Submitted", "no").strip().lower() != "no":
        return Report(Ignored("auto_reply"))  # RFC 3834, 5
    return Report(Ignored("other"))


def _fields(parts: Iterable["Message[str, str]"], content_type: str) -> list["Message[str, str]"]:
    """The groups of fields of the first such part; the parser makes a message of each."""
    for part in parts:
        if part.get_content_type() == content_type:
            return [group for group in part.get_payload() if isinstance(group, Message)]
    return []


def _delivery(groups: list["Message[str, str]"]) -> Finding:
    """Of several recipients, which a list or a forwarding may have made of ours, one that was reached is enough."""
    actions = {_action(group): group for group in groups if group.get("Action")}
    reached = actions.keys() & {"delivered", "relayed", "expanded"}
    if reached:
        return Ignored("delivered")
    if (failed := actions.get("failed")) is not None:
        return Failed(_status(failed))
    return Ignored("delayed" if "delayed" in actions else "unreadable")


def _field(group: "Message[str, str]", name: str) -> str:
    return str(group.get(name, ""))[:LONGEST_FIELD].strip()


def _action(group: "Message[str, str]") -> str:
    words = _field(group, "Action").lower().split()  # a comment may follow (RFC 3464, 2.1.1)
    return words[0] if words else ""


def _status(group: "Message[str, str]") -> str:
    """The status; where it says nothing, the one that the remote host gave, if its own words begin with it."""
    found = STATUS.search(_field(group, "Status"))
    status = found.group(1) if found and found.group(1)[0] in "45" else NO_STATUS
    if status in WITHOUT_DETAIL and (said := _said(_field(group, "Diagnostic-Code"))) is not None:
        return said
    return status


def _said(diagnostic: str) -> str | None:
    """The enhanced status in `smtp; 550 5.1.1 …`, also after the hyphen of an answer of several lines."""
    found = SAID.match(diagnostic)
    return found.group(1) if found else None


def _feedback(groups: list["Message[str, str]"], parts: Iterable["Message[str, str]"]) -> Report:
    if not groups:
        return Report(Ignored("unreadable"))
    kind = _field(groups[0], "Feedback-Type").lower()
    if kind not in COMPLAINTS:
        return Report(Ignored("feedback"))
    originals = _fields(parts, "message/rfc822") + _headers_alone(parts)
    quoted: list[Any] = [groups[0].get("Original-Mail-From"), *(original.get("Return-Path") for original in originals)]
    return Report(Complained(), tuple(_address(str(value)) for value in quoted if value))


def _headers_alone(parts: Iterable["Message[str, str]"]) -> list["Message[str, str]"]:
    """The original's headers where its body was left out (text/rfc822-headers, RFC 6522, 4)."""
    found = [part for part in parts if part.get_content_type() == "text/rfc822-headers"]
    return [PARSER.parsebytes(content, headersonly=True) for part in found if (content := _decoded(part))]


def _decoded(part: "Message[str, str]") -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _address(value: str) -> str:
    return value[:LONGEST_FIELD].strip().removeprefix("<").removesuffix(">")
