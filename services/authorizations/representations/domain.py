"""Which way a relation between two organizations goes, and what is asked about one."""

from datetime import date
from typing import Literal
from uuid import UUID

from chassis.outcomes import Refusal
from contracts.agency import Agency
from services.authorizations.requests.domain import Asked

Standing = Literal["acted_for", "holder"]


class AskedEnd(Asked):
    """That a relation ends."""

    relation_id: UUID


def standing(agency: Agency, type: str, own_kind: str, other_kind: str, day: date) -> Standing | Refusal:
    """Where an organization stands that names another: what is its own it grants, what is another's it asks for.

    An agency may have a type that fits both ways; then it is asked for, because whoever asks decides nothing.
    """
    found = agency.relation_types.get(type)
    if found is not None and found.shape == "representation" and found.in_force(day):
        if own_kind in found.by_kinds and other_kind in found.of_kinds:
            return "holder"
        if own_kind in found.of_kinds and other_kind in found.by_kinds:
            return "acted_for"
    return Refusal("unknown_relation_type", {"type": type}, ("type", "other"))
