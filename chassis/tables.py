"""A list as a table for a spreadsheet: CSV (RFC 4180), with headings in the reader's language."""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Sequence

MEDIA_TYPE = "text/csv"

# What makes a spreadsheet take a cell for a formula (OWASP, CSV injection), full-width characters too; an apostrophe
# before it makes it text. A spreadsheet of a country that separates by semicolons, as French Canada's does, or by tabs
# begins a cell after each of those, and drops a quotation mark that the cell begins with.
FORMULA = re.compile(r"(^|[;|\t\r\n])(?=[\"\s]*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n])")

# Without it, the spreadsheet that most offices have reads UTF-8 as something else.
BYTE_ORDER_MARK = "\ufeff"


def is_wanted(accept: str) -> bool:
    """Whether a caller asks for a table rather than for JSON."""
    return any(part.partition(";")[0].strip().lower() == MEDIA_TYPE for part in accept.split(","))


async def written(headings: Sequence[str], portions: AsyncIterator[Iterable[Sequence[str]]]) -> AsyncIterator[str]:
    """The text of a table, portion by portion."""
    yield BYTE_ORDER_MARK + _lines([headings])
    async for rows in portions:
        yield _lines(rows)


def text(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table that is whole."""
    return BYTE_ORDER_MARK + _lines([headings, *rows])


def _lines(rows: Iterable[Sequence[str]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows([_harmless(cell) for cell in row] for row in rows)
    return file.getvalue()


def _harmless(cell: str) -> str:
    return FORMULA.sub(r"\1'", cell)
