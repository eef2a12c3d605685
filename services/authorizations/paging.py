"""Lists over HTTP: their parameters, and a page of them."""

from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from chassis import pages
from chassis.fields import Body, line
from chassis.gateway import Call
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from contracts.events import Language
from contracts.problems import word
from services.authorizations.tools import Tools

V = TypeVar("V")

Active = Annotated[bool | None, Query(description="Only rows in force, or only rows that are not.")]
SORT = "The column that orders the list; with `-` before it, from its end."
Cursor = Annotated[str | None, Query(max_length=1000, description="What the previous page gave as next_cursor.")]
Limit = Annotated[int, Query(ge=1, le=pages.LARGEST, description="Rows of a page.")]


class SearchBody(Body):
    """Words that must all stand in a name, in whatever order."""

    text: Annotated[str, line(100)]

    @property
    def words(self) -> list[str]:
        """The words."""
        return self.text.split()


class PageView(BaseModel, Generic[V]):
    """One page. `total` is exact up to 10,000; beyond, `total_is_exact` is false and it means "at least".

    It is counted for the first page, and again where the rows of a later one show that it has changed. With `active`,
    10,000 is the number of rows that are looked at, of either kind.
    """

    items: list[V]
    total: int
    total_is_exact: bool
    range: str = Field(examples=["1–2 de 2"])
    next_cursor: str | None


async def page(call: Call[Tools], listing: pages.Listing, cursor: str | None, limit: int) -> pages.Page:
    """One page of a listing. Raises ProblemRaised for a cursor that is none."""
    async with call.gateway.unit.pool.acquire() as connection:
        found = await pages.fetch(connection, listing, cursor, limit)
    if isinstance(found, Refusal):
        raise ProblemRaised(found)
    return found


def paged(found: pages.Page, items: list[Any], language: Language) -> dict[str, Any]:
    """The fields of a PageView."""
    name = "rows_none" if not items else "rows" if found.exact else "rows_at_least"
    return {
        "items": items,
        "total": found.total,
        "total_is_exact": found.exact,
        "range": word(name, language, first=found.first, last=found.last, total=found.total),
        "next_cursor": found.next_cursor,
    }
