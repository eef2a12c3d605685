"""The one table with personal fields: of accounts and of contacts alike. Overwriting a row erases a person."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from asyncpg import Record

from chassis.database import Connection
from contracts.events import Code, Language

Kind = Literal["account", "contact"]


KEEP_PERSON = """
insert into people (kind, id, email, given_name, family_name, language, portal) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (kind, id) do update
    set email = excluded.email, given_name = excluded.given_name, family_name = excluded.family_name,
        language = excluded.language, portal = excluded.portal
"""

ERASE_PERSON = "update people set email = null, given_name = '', family_name = '' where kind = $1 and id = $2"


@dataclass(frozen=True)
class Person:
    """What identifies a person and how to write to them; also of an account, whose e-mail address is never None.

    `portal`: where the account's person began, and links in mails lead; None: the agency's first.
    """

    email: str | None = field(repr=False)
    given_name: str = field(repr=False)
    family_name: str = field(repr=False)
    language: Language
    portal: Code | None = None

    @property
    def name(self) -> str:
        """As other people read it."""
        return f"{self.given_name} {self.family_name}"


def same_address(one: Person, other: Person) -> bool:
    """Whether both read the same mailbox. No address on file differs from none: there is nobody to tell."""
    return other.email is None or one.email is None or one.email.casefold() == other.email.casefold()


async def keep(connection: Connection, kind: Kind, identity: UUID, person: Person) -> None:
    """Write a person over whatever stood there."""
    values = (person.email, person.given_name, person.family_name, person.language, person.portal)
    await connection.execute(KEEP_PERSON, kind, identity, *values)


async def erase(connection: Connection, kind: Kind, identity: UUID) -> None:
    """Erase a person."""
    await connection.execute(ERASE_PERSON, kind, identity)


def person_of(row: Record) -> Person:
    """The person of a row that carries the columns of people."""
    return Person(row["email"], row["given_name"], row["family_name"], row["language"], row["portal"])
