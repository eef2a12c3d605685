"""GET /v1/organizations/{id}/audit: who did what in an organization's file, and why it was allowed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from chassis.audit import storage as chains
from chassis.audit.chain import Head
from chassis.gateway import Call, router
from contracts.events import Language
from services.authorizations.access.domain import AsAgent
from services.authorizations.actors import ActorView, actor_kind_name, person_name
from services.authorizations.audit import storage
from services.authorizations.audit.storage import Wanted
from services.authorizations.instants import PlausibleInstant
from services.authorizations.paging import Cursor, Limit, PageView, page, paged
from services.authorizations.personal.domain import PersonName
from services.authorizations.personal.storage import person_names
from services.authorizations.profile import Asking, AuthorizationsCall
from services.authorizations.tools import Tools

routes = router()

ActorKind = Literal["account", "agent", "machine", "operator", "service"]


class AboutView(BaseModel):
    """The person whom an entry is about."""

    contact_id: UUID
    family_name: str | None
    given_name: str | None


class EntryView(BaseModel):
    """One entry. `rule` is why it was allowed, `data_version` the version of the agency's data at that moment."""

    entry_id: int
    at: datetime
    actor: ActorView
    action: str
    action_text: str
    object_id: UUID | None
    about: AboutView | None
    rule: str | None
    rule_text: str | None
    detail: dict[str, Any]
    data_version: str


class HeadView(BaseModel):
    """The head of the organization's chain: who keeps it can have every later change of these entries found."""

    sequence: int
    algorithm: Literal["sha256"] = "sha256"
    digest: str = Field(description="In hexadecimal.")


class AuditView(PageView[EntryView]):
    """A page of entries, newest first."""

    head: HeadView | None


@routes.get("/v1/organizations/{organization_id}/audit", summary="The audit of an organization (managers and agents)")
async def list_audit(
    organization_id: UUID,
    asker: Asking,
    call: AuthorizationsCall,
    contact: Annotated[UUID | None, Query(description="About this contact, or done through it.")] = None,
    object: Annotated[UUID | None, Query(description="About this contact, relation or request.")] = None,
    action: Annotated[str | None, Query(pattern="^[a-z_.]{1,80}$", description="What was done, by its code.")] = None,
    actor: Annotated[ActorKind | None, Query(description="What kind of actor.")] = None,
    since: Annotated[PlausibleInstant | None, Query(description="From this instant on.")] = None,
    until: Annotated[PlausibleInstant | None, Query(description="Before this instant.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> AuditView:
    """Changes, refusals, and views of a person's file by others. An agent's look at it is itself an entry."""
    await asker.open_managed_file(call, organization_id)
    wanted = Wanted(contact, object, action, actor, since, until)
    found = await page(call, storage.listed(organization_id, wanted), cursor, limit)
    async with call.gateway.unit.pool.acquire() as connection:
        named = await person_names(connection, _persons(found.rows))
        head = (await chains.heads(connection, [organization_id])).get(organization_id)
    by_agent = isinstance(asker.acting, AsAgent)
    items = [_entry(call, row, named, shows_ids=by_agent) for row in found.rows]
    return AuditView(**paged(found, items, call.language), head=_head(head))


def _head(head: Head | None) -> HeadView | None:
    return HeadView(sequence=head.sequence, digest=head.digest.hex()) if head else None


def _persons(rows: Sequence[Any]) -> set[UUID]:
    """Who may have a name: those who acted, and those whom an entry is about."""
    found = {_actor_id(row) for row in rows} | {_about(row) for row in rows}
    return {identity for identity in found if identity is not None}


def _actor_id(row: Any) -> UUID | None:
    if row["actor_kind"] != "account":
        return None
    return row["profile_id"] or UUID(row["actor_id"])


def _about(row: Any) -> UUID | None:
    """The contact that an entry names, if what it names is one; what a refusal names was only typed, and is nobody."""
    holder = row["detail"].get("holder")
    return UUID(holder) if holder is not None else row["object_id"]


def _entry(call: Call[Tools], row: Any, named: Mapping[UUID, PersonName], *, shows_ids: bool) -> EntryView:
    about = _about(row)
    person = named.get(about) if about is not None else None
    return EntryView(
        entry_id=row["id"],
        at=row["at"],
        actor=ActorView(
            kind=row["actor_kind"],
            name=_name(row, named, call.language),
            profile_id=row["profile_id"],
            id=row["actor_id"] if shows_ids else None,
        ),
        action=row["action"],
        action_text=_text(call, f"audit_{row['action']}", row["action"]),
        object_id=row["object_id"],
        about=AboutView(contact_id=about, **vars(person)) if about is not None and person is not None else None,
        rule=row["rule"],
        rule_text=_rule(call, row["rule"]),
        detail=row["detail"],
        data_version=row["data_version"],
    )


def _name(row: Any, named: Mapping[UUID, PersonName], language: Language) -> str:
    identity = _actor_id(row)
    if identity is None:
        return actor_kind_name(row["actor_kind"], language)
    return person_name(named.get(identity), language)


def _rule(call: Call[Tools], rule: str | None) -> str | None:
    if rule is None:
        return None
    kind, _, function = rule.partition(":")
    known = call.tools.agency.relation_types.get(function)
    name = known.name.in_(call.language) if known else function
    return _text(call, f"rule_{kind}", rule, function=name)


def _text(call: Call[Tools], name: str, code: str, **parameters: str) -> str:
    """A text of words.yaml; the code itself for one that an older release wrote and nobody words any more."""
    wording = call.texts.wording(name)
    return wording.in_(call.language, **parameters) if wording else code
