"""What strangers' programs write about our mails, and what we make of it. reports/ holds one of each kind."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.bounces import reports
from services.notifications.bounces.reports import Complained, Failed, Finding, Ignored, Report

FOLDER = Path(__file__).parent / "reports"
EACH = {file.stem: file.read_bytes() for file in FOLDER.glob("*.eml")}

EXPECTED: dict[str, Finding] = {
    "postfix_no_such_user": Failed("5.1.1"),
    "postfix_gave_up": Failed("4.4.1"),
    "postfix_delayed": Ignored("delayed"),
    "postfix_delivered": Ignored("delivered"),
    "exchange_no_recipient": Failed("5.1.10"),
    "exchange_mailbox_full": Failed("5.2.2"),
    "gmail_account_gone": Failed("5.1.1"),
    "gmail_mailbox_disabled": Failed("5.2.1"),
    "exim_status_in_the_diagnostic": Failed("5.1.1"),
    "exim_without_any_status": Failed("5.0.0"),
    "two_recipients_one_reached": Ignored("delivered"),
    "failed_without_status": Failed("5.0.0"),
    "complaint_by_original_mail_from": Complained(),
    "complaint_by_quoted_headers": Complained(),
    "complaint_of_fraud": Complained(),
    "feedback_not_spam": Ignored("feedback"),
    "vacation": Ignored("auto_reply"),
    "read_receipt": Ignored("other"),
    "a_person_writes": Ignored("other"),
    "cut_off": Ignored("unreadable"),
}


def test_every_kind_of_report_has_its_expectation() -> None:
    assert EXPECTED.keys() == EACH.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_report_is_understood(name: str) -> None:
    assert reports.read(EACH[name]).finding == EXPECTED[name]


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.startswith("complaint")])
def test_a_complaint_quotes_the_envelope_sender_of_the_mail(name: str) -> None:
    assert "{return_path}" in reports.read(EACH[name]).return_paths


def test_line_ends_do_not_matter() -> None:
    for name, finding in EXPECTED.items():
        assert reports.read(EACH[name].replace(b"\r\n", b"\n")).finding == finding


@given(st.binary())
def test_any_bytes_are_read(content: bytes) -> None:
    assert isinstance(reports.read(content), Report)


@given(name=st.sampled_from(sorted(EACH)), data=st.data())
def test_a_damaged_report_is_read_and_what_it_says_keeps_its_form(name: str, data: st.DataObject) -> None:
    content = bytearray(EACH[name])
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, min(len(content), start + 60)))
        content[start:end] = data.draw(st.binary(max_size=12))
    finding = reports.read(bytes(content)).finding
    assert not isinstance(finding, Failed) or re.fullmatch(r"[45]\.\d{1,3}\.\d{1,3}", finding.status)


MIXED = b"Content-Type: multipart/mixed"  # read, it would be something other


@pytest.mark.parametrize(
    "content",
    [
        b"".join(MIXED + b"; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)),
        MIXED + b"; a=b" * 10_000 + b"\n\n",
        MIXED + b";\n a=b" * 10_000 + b"\n\n",
        MIXED + b'; x="' + b";" * 400 + b"\n\n",
        b"X: y\r" + MIXED + b'; x="' + b";" * 60_000 + b"\r\n\r\n",
        b"".join(MIXED + b"; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(29))
        + b"Content-Type: message/delivery-status\n\n"
        + b"\n" * 120_000,
    ],
    ids=[
        "nested without end",
        "endless parameters",
        "endless folded parameters",
        "hundreds of parameters",
        "endless parameters behind a line end that is none",
        "endless lines, nested",
    ],
)
def test_what_is_made_to_be_hard_to_read_is_not_read(content: bytes) -> None:
    assert reports.read(content).finding == Ignored("unreadable")
