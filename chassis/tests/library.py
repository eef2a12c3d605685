"""A tiny service built with the chassis, for its tests: books that people add, and a counter of what it consumed."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends
from pydantic import AwareDatetime, BaseModel, Field

from chassis import entry
from chassis.fields import Body, Email, Name, Secret
from chassis.gateway import ONCE, AgentCaller, Call, PersonCaller, router
from chassis.made import Digested, Locked, Made, Sealed
from chassis.outcomes import Refusal
from chassis.service import Platform, Service
from chassis.settings import Settings
from chassis.subscriptions import Order, Subscription
from chassis.work import Work
from contracts.accounts import AccountOpened, Person

books = router()
LibraryCall = Annotated[Call[None], Depends(Call)]


def opened(account_id: UUID, number: int = 0) -> AccountOpened:
    """An event whose content is a number."""
    return AccountOpened(account_id=account_id, terms_version=str(number))


def person(account_id: UUID, version: int) -> Person:
    """A state of which nothing matters but key and version."""
    return Person(
        account_id=account_id, version=version, status="active", status_since=datetime(2026, 11, 22, tzinfo=UTC),
        epoch=0, email="m@example.org", given_name="M", family_name="T", language="fr",
    )  # fmt: skip


async def count(work: Work[None], event: AccountOpened) -> None:
    """A handler whose effect shows how often it took effect, and in which order."""
    await work.connection.execute(
        "insert into counters as c (id, value, last) values ($1, 1, $2)"
        " on conflict (id) do update set value = c.value + 1, last = c.last || ' ' || excluded.last",
        event.account_id,
        event.terms_version,
    )


class Title(Body):
    """What a person sends."""

    title: Name
    email: Email | None = None
    secret: Secret = "none"
    pages: Annotated[int, Field(ge=1, le=5000)] = 1
    read_at: AwareDatetime | None = None
    authors: Annotated[tuple[Name, ...], Field(max_length=2)] = ()


class Book(BaseModel):
    """What is answered."""

    book_id: UUID


async def add(work: Work[None], body: Title) -> UUID | Refusal:
    """Refuses a banned title, counting how often it was tried; crashes when told to."""
    if body.title == "crash":
        raise LookupError("person@example.com")
    if body.title == "typo":
        await work.connection.execute("selekt 'person@example.com'")
    identity = uuid4()
    await work.connection.execute("insert into counters values ($1, 1, $2)", identity, body.title)
    if body.title == "slow":
        await work.connection.execute("select pg_sleep(0.2)")
    if body.title == "banned":
        return Refusal("not_permitted")
    work.publish(opened(identity))
    work.audit("book.added", object_id=identity)
    return identity


@books.post("/v1/books", status_code=201, dependencies=[ONCE])
async def post(body: Title, person: PersonCaller, call: LibraryCall) -> Book:
    """Makes a book, once per Idempotency-Key."""
    return Book(book_id=await call.create(add, body))


@books.post("/v1/shelves/{shelf}/books", status_code=201, dependencies=[ONCE])
async def post_to(shelf: int, body: Title, person: PersonCaller, call: LibraryCall) -> Book:
    """The same under another address."""
    return Book(book_id=await call.create(add, body))


@books.get("/v1/books/{book_id}")
async def get(book_id: UUID, person: PersonCaller) -> Book:
    """Reads a book."""
    return Book(book_id=book_id)


@books.get("/v1/desk")
async def desk(agent: AgentCaller) -> dict[str, Any]:
    """For agents alone."""
    return {"name": agent.name}


async def _no_tools(_: Platform) -> None:
    return None


service = Service(
    name="library",
    description="Books",
    settings=Settings,
    tools=_no_tools,
    routers=[books],
    subscriptions=[Subscription(AccountOpened, count, Order.KEPT)],
    made=Made(
        locked=[Locked("counters", ("id", "value"), "last", portion=3)],
        digested=[Digested("counters", "last"), Digested("inbox", "event_id", made_at="applied_at")],
        sealed=[Sealed("counters", "last")],
    ),
)

if __name__ == "__main__":
    sys.exit(entry.run(Path("services/library"), lambda: service))
