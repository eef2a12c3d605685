"""What of an extract is read, and how what cannot be read is told apart."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from contracts.extract import OrganizationRow, unrolled
from local import ROOT
from services.authorizations.imports import reading
from services.authorizations.imports.reading import Defect, ExtractRefused, Read, Reader

HEADER = "record,kind,number,legal_name,trade_names,status,email,language"
LINE = "organization,employer,1000009,Les Érables Inc.,Érables|ÉI,active,courrier@erables.example,fr"


def read(content: bytes, size: int = 7) -> list[Read]:
    """Every row, the bytes coming a few at a time."""
    reader, found = Reader(), list[Read]()
    for start in range(0, len(content), size):
        found += reader.feed(content[start : start + size])
    return [*found, *reader.end()]


def codes(found: Iterable[Read]) -> list[str]:
    return [one.found.code for one in found if isinstance(one.found, Defect)]


def contact(**changes: str) -> bytes:
    """A CSV file of one contact."""
    cells = {
        "record": "contact", "kind": "firm", "number": "5000009", "client_number": "3000009",
        "family_name": "Exemple", "given_name": "Démo", "email": "demo@exemple.example", "language": "fr",
    } | changes  # fmt: skip
    return f"{','.join(cells)}\n{','.join(cells.values())}\n".encode()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_csv_is_read_as_spreadsheets_write_it(separator: str, ending: str, mark: bytes) -> None:
    [one] = read(mark + f"{HEADER}{ending}{LINE}{ending}".replace(",", separator).encode())
    assert isinstance(one.found, OrganizationRow)
    assert (one.line, one.found.legal_name, one.found.trade_names) == (2, "Les Érables Inc.", ("Érables", "ÉI"))


def test_a_last_line_needs_no_line_break_and_blank_lines_are_nothing() -> None:
    assert [one.line for one in read(f"{HEADER}\n\n{LINE}".encode())] == [3]


def test_nested_and_flat_lines_give_the_same_rows() -> None:
    extract = (ROOT / "agencies" / "ccq" / "demo" / "organizations.ndjson").read_bytes()
    nested = [one.found for one in read(extract, 10_000)]
    assert codes(read(extract, 10_000)) == []
    flat = [fields for line in extract.splitlines() for _, fields in unrolled(json.loads(line))]
    assert [one.found for one in read("\n".join(map(json.dumps, flat)).encode(), 10_000)] == nested


def test_cells_of_lists_are_read() -> None:
    relation = {
        "record": "membership", "kind": "firm", "number": "5000009", "client_number": "3000009",
        "type": "staff_member", "starts_on": "2025-01-01", "subjects": "monthly_report:write profile:read",
    }  # fmt: skip
    [one] = read(f"{','.join(relation)}\n{','.join(relation.values())}\n".encode())
    found: Any = one.found
    assert [(right.subject, right.level) for right in found.subjects] == [
        ("monthly_report", "write"),
        ("profile", "read"),
    ]
    [one] = read(contact(telephones="work:+15145550101 mobile:+15145550102"))
    reached: Any = one.found
    assert [telephone.kind for telephone in reached.telephones] == ["work", "mobile"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "personne"}, "email"),
        ({"email": "personne@localhost"}, "email"),
        ({"family_name": "www.exemple.example"}, "family_name"),
        ({"family_name": "exemple\uff20exemple"}, "family_name"),
        ({"family_name": "exemple\uff61example"}, "family_name"),
        ({"family_name": "Tremblay\u202e"}, "family_name"),
        ({"client_number": "12"}, "client_number"),
        ({"language": "xx"}, "language"),
        ({"record": "contacts"}, "record"),
        ({"telephones": "work:5145550101"}, "telephones"),
        ({"family_name": ""}, "family_name"),
    ],
)
def test_a_value_of_the_wrong_form_is_named_by_its_field_and_never_shown(changes: dict[str, str], field: str) -> None:
    [one] = read(contact(**changes))
    assert one.found == Defect("invalid_field", {"fields": field})
    assert one.keys["number"] == "5000009"


def test_a_subject_named_twice_and_a_relation_to_itself_are_faults_of_their_fields() -> None:
    membership = {"record": "membership", "kind": "firm", "number": "1", "client_number": "3000009",
                  "type": "staff_member", "starts_on": "2025-01-01", "subjects": "a:read a:write"}  # fmt: skip
    to_itself = {"record": "representation", "kind": "firm", "number": "1", "holder_kind": "firm", "holder_number": "1",
                 "type": "accounting_firm", "starts_on": "2025-01-01", "subjects": "all"}  # fmt: skip
    found = read("\n".join(json.dumps(row) for row in (membership, to_itself)).encode(), 100)
    assert [one.found for one in found] == [
        Defect("invalid_field", {"fields": "subjects"}),
        Defect("invalid_field", {"fields": "holder_number"}),
    ]


@pytest.mark.parametrize(
    "line",
    ["organization,employer", '"organization,employer,1,a,b,c,d,e', f"{LINE},more", LINE.replace("Inc.", "\0")],
)
def test_a_line_that_cannot_be_read_is_one_defect_and_the_next_is_read(line: str) -> None:
    found = read(f"{HEADER}\n{line}\n{LINE}\n".encode())
    assert len(codes(found)) == 1 and isinstance(found[-1].found, OrganizationRow)


@pytest.mark.parametrize(
    "line", ["{", "[]", "{}", '{"organization": 1}', '{"contacts": {}}', "[" * 5000, '{"a": 1e999}']
)
def test_a_line_that_is_no_object_of_ours_is_unreadable(line: str) -> None:
    good = json.dumps({"record": "organization"})
    assert codes(read(f"{good}\n{line}\n".encode(), 1_000))[1:] == ["unreadable"]


def test_a_line_without_end_is_given_up_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST_LINE", 500)
    reader = Reader()
    found = list(reader.feed(f"{HEADER}\n".encode()))
    for _ in range(100):
        found += reader.feed(b"x" * 300)
        assert len(reader._rest) <= 800
    found += [*reader.feed(f"\n{LINE}\n".encode()), *reader.end()]
    assert codes(found) == ["line_too_long"] and isinstance(found[-1].found, OrganizationRow)


@pytest.mark.parametrize("line", [{"contacts": [{}] * 30}, {"contacts": [{"relations": [{}] * 30}]}])
def test_a_line_of_more_rows_than_allowed_is_one_defect_and_the_next_is_read(
    line: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_ROWS", 30)
    own = {"organization": {"kind": "firm", "number": "5000009"}}
    found = read("\n".join(json.dumps(one) for one in (own | line, own)).encode(), 10_000)
    assert codes(found) == ["line_too_long", "invalid_field"]
    assert [one.line for one in found] == [1, 2]


@pytest.mark.parametrize(
    ("content", "code", "parameters"),
    [
        (b"", "extract_empty", {}),
        (b"\n\n", "extract_empty", {}),
        (f"{HEADER}\n{LINE}\n".encode("latin-1"), "extract_not_utf8", {"line": 2}),
        (f"{HEADER}\n".encode("utf-16"), "extract_not_utf8", {"line": 1}),
        (b"record,kind,surname\n", "extract_columns", {"columns": "surname"}),
        (b"kind,number\n", "extract_columns", {"columns": "record"}),
        (b"record,kind,kind\n", "extract_columns", {"columns": "kind"}),
        (b"PK\x03\x04\n", "extract_columns", {"columns": "…"}),
    ],
)
def test_a_file_that_cannot_be_an_extract_is_refused_whole(
    content: bytes, code: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(ExtractRefused) as refused:
        read(content)
    assert (refused.value.refusal.code, refused.value.refusal.parameters) == (code, parameters)
