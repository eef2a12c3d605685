"""A list as a table for a spreadsheet: CSV (RFC 4180), with headings in the reader's language."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence

MEDIA_TYPE = "text/csv"

# What makes a spreadsheet take a cell for a formula (OWASP, CSV injection); an apostrophe before it makes it text.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

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


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell
