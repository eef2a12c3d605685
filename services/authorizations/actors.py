"""Who did something, as far as the reader may know."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from pydantic import BaseModel

from contracts.events import Language
from contracts.problems import word, words
from services.authorizations.personal.domain import PersonName


class ActorView(BaseModel):
    """Who acted. A person is named as the organization knows it; an agent or operator by `id`, to agents alone."""

    kind: str
    name: str
    profile_id: UUID | None
    id: str | None


def account_of(reference: str) -> UUID | None:
    """The account that a row keeps as who asked, decided or granted; None where that was no person."""
    kind, _, identity = reference.partition(":")
    return UUID(identity) if kind == "account" else None


def accounts_of(references: Iterable[str | None]) -> set[UUID]:
    """The accounts among what rows keep."""
    found = {account_of(reference) for reference in references if reference is not None}
    return {account_id for account_id in found if account_id is not None}


def actor(reference: str, persons: Mapping[UUID, PersonName], language: Language, *, shows_ids: bool) -> ActorView:
    """Who acted, from what a row keeps: kind and id as one text."""
    kind, _, identity = reference.partition(":")
    account_id = account_of(reference)
    name = actor_kind_name(kind, language) if account_id is None else person_name(persons.get(account_id), language)
    return ActorView(kind=kind, name=name, profile_id=None, id=identity if shows_ids else None)


def actor_kind_name(kind: str, language: Language) -> str:
    """What an actor that is no person is called; the code itself for one that nobody words any more."""
    return word(f"actor_{kind}", language) if f"actor_{kind}" in words() else kind


def person_name(person: PersonName | None, language: Language) -> str:
    """What a person is called, or that it was erased."""
    names = [name for name in (person.given_name, person.family_name) if name] if person else []
    return " ".join(names) or word("actor_erased", language)
