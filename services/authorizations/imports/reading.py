"""From the bytes of an extract to its rows, a bounded portion at a time, whatever the size of the file.

A line that cannot be read is a defect of its own and the next line is read; what makes the whole file unreadable (an
encoding that is not UTF-8, columns that do not exist) raises ExtractRefused.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic import ValidationError

from chassis.outcomes import Refusal
from contracts.extract import COLUMNS, RECORDS, ROW, AnyRow, unrolled

LONGEST_LINE = 4 * 1024 * 1024  # bytes; a nested line about a firm of 1,000 members and 2,000 clients has about 1 MiB
MOST_ROWS = 35_000  # of one line; contracts.imports.ImportedOrganization has room for 33,001
LONGEST_HEADER = 2_000  # characters; all of our columns together have under 200
SEPARATORS = ",;\t"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONGEST_KEY = 64  # characters of a key that is shown although its row was refused
KEYS = ("kind", "number", "holder_kind", "holder_number", "client_number", "type", "starts_on")

RowParts = Iterable[tuple[str, dict[str, Any]]]  # place in the line → fields of a row, not validated yet


class ExtractRefused(Exception):
    """The whole file is refused; nothing of it counts."""

    def __init__(self, code: str, **parameters: Any) -> None:
        super().__init__(code)
        self.refusal = Refusal(code, parameters)


@dataclass(frozen=True)
class Defect:
    """What is wrong with a row. `rejects` is False for what is brought in all the same and should be looked at.

    `parameters` fill the code's text (contracts/texts/defects.yaml): codes, dates and names of fields.
    """

    code: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    rejects: bool = True


@dataclass(frozen=True)
class SealedFacts:
    """What a row says for linking alone: to linking's key, and a keyed digest, which tells whether it is as before."""

    sealed: str = field(repr=False)
    digest: bytes = field(repr=False)


@dataclass(frozen=True)
class Read:
    """A row as it was found: on which line (from 1), where in it, and the row itself, or why there is none.

    `facts` are what an organization's row said for linking alone.
    """

    line: int
    at: str
    found: AnyRow | Defect
    keys: Mapping[str, str]
    facts: SealedFacts | None = None


class Reader:
    """Reads one file. Feed it bytes as they come, then `end` it."""

    def __init__(self) -> None:
        self._rest = b""
        self._line = 0
        self._skipping = False
        self._parts: Callable[[str], RowParts] | None = None

    def feed(self, content: bytes) -> Iterator[Read]:
        """The rows of the lines that are complete now. Raises ExtractRefused."""
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            yield from self._read(line)
        if len(self._rest) > LONGEST_LINE:  # keep no more of it than says that it was too long
            self._rest, self._skipping = b"", True

    def end(self) -> Iterator[Read]:
        """The rows of a last line that no line break ends. Raises ExtractRefused."""
        yield from self._read(self._rest)
        self._rest = b""
        if self._parts is None:
            raise ExtractRefused("extract_empty")

    def _read(self, raw: bytes) -> Iterator[Read]:
        self._line += 1
        skipped, self._skipping = self._skipping, False
        if skipped or len(raw) > LONGEST_LINE:
            yield self._defective("line_too_long")
            return
        if self._line == 1:
            raw = raw.removeprefix(BYTE_ORDER_MARK)
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            raise ExtractRefused("extract_not_utf8", line=self._line) from None
        text = text.rstrip("\r")
        if not text.strip():
            return
        if self._parts is None:
            self._parts = _parts_of(text)
            if self._parts is not _objects:
                return
        try:
            parts = list(islice(self._parts(text), MOST_ROWS + 1))
        except (ValueError, csv.Error, RecursionError):
            yield self._defective("unreadable")
            return
        if len(parts) > MOST_ROWS:
            yield self._defective("line_too_long")
            return
        for at, fields in parts:
            yield self._row(at, fields)

    def _row(self, at: str, fields: dict[str, Any]) -> Read:
        try:
            return Read(self._line, at, ROW.validate_python(fields), {})
        except ValidationError as error:
            keys = {"record": fields["record"]} if fields.get("record") in RECORDS else {}
            keys |= {name: str(fields[name]) for name in KEYS if _is_key(fields.get(name))}
            return Read(self._line, at, _fault(error), keys)

    def _defective(self, code: str) -> Read:
        return Read(self._line, "", Defect(code), {})


def _is_key(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_KEY and value.isprintable()


def _fault(error: ValidationError) -> Defect:
    """Names the fields and never shows what they hold. Steps that are no field of ours are left out."""
    steps = [[step for step in fault["loc"] if step in COLUMNS] for fault in error.errors(include_input=False)]
    fields = sorted({str(found[0]) for found in steps if found})
    if not fields:
        sentence = error.errors(include_input=False)[0]["msg"]
        fields = ["subjects"] if "subject" in sentence else ["holder_number"] if "itself" in sentence else ["record"]
    return Defect("invalid_field", {"fields": ", ".join(fields)})


def _parts_of(first: str) -> Callable[[str], RowParts]:
    """How the file's lines are taken apart, as its first line shows. Raises ExtractRefused."""
    if first.lstrip().startswith("{"):
        return _objects
    if len(first) > LONGEST_HEADER:
        raise ExtractRefused("extract_columns", columns="…")
    separator = max(SEPARATORS, key=first.count)
    try:
        [names] = csv.reader([first], delimiter=separator, strict=True)
    except (csv.Error, ValueError):
        raise ExtractRefused("extract_columns", columns="…") from None
    names = [name.strip().lower() for name in names]
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or "record" not in names or len(set(names)) < len(names):
        wrong = unknown or sorted({name for name in names if names.count(name) > 1}) or ["record"]
        raise ExtractRefused(
            "extract_columns", columns=", ".join(name if name.isidentifier() else "…" for name in wrong)
        )

    def cells(line: str) -> RowParts:
        [values] = csv.reader([line], delimiter=separator, strict=True)
        if len(values) != len(names):
            raise ValueError("not as many cells as columns")
        yield "", {name: value.strip() for name, value in zip(names, values, strict=True) if value.strip()}

    return cells


def _objects(line: str) -> RowParts:
    found = json.loads(line)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return unrolled(found)
