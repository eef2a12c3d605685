"""Rows of signatures, of the keys of persons, and what the audit says of both."""

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.audit.chain import COLUMNS as ENTRY
from chassis.audit.chain import Entry
from chassis.database import Connection
from services.authorizations.sides import OF_ACCOUNT
from services.authorizations.signatures.domain import Signature

COLUMNS = tuple(field.name for field in fields(Signature))

SIGNED, VOIDED, ERASED = "mandate_signed", "signature_voided", "signing_key_erased"
"""What the audit calls what happens to signatures; its index of them is migrations/*_signatures.sql."""

ADD = f"""
insert into signatures ({", ".join(COLUMNS)}) values ({", ".join(f"${n}" for n, _ in enumerate(COLUMNS, 1))})
"""

KEYS_OF_ACCOUNT = f"select key_id from person_keys where owner_id in ({OF_ACCOUNT})"


async def key_of(connection: Connection, owner_id: UUID) -> tuple[UUID, str] | None:
    """The key of a person, locked."""
    row = await connection.fetchrow("select key_id, locked from person_keys where owner_id = $1", owner_id)
    return (row["key_id"], row["locked"]) if row else None


async def add_key(connection: Connection, key_id: UUID, owner_id: UUID, locked: str, now: datetime) -> None:
    """A person's key, unless the person has one by now."""
    await connection.execute(
        "insert into person_keys (key_id, owner_id, locked, made_at) values ($1, $2, $3, $4)"
        " on conflict (owner_id) do nothing",
        key_id, owner_id, locked, now,
    )  # fmt: skip


async def keys(connection: Connection, key_ids: Collection[UUID]) -> dict[UUID, str]:
    """Some keys, locked; those that were erased are absent."""
    rows = await connection.fetch(
        "select key_id, locked from person_keys where key_id = any($1::uuid[])", list(key_ids)
    )
    return {row["key_id"]: row["locked"] for row in rows}


async def keys_of_request(connection: Connection, request_id: UUID) -> list[UUID]:
    """The ids of the keys of both sides of a request."""
    rows = await connection.fetch(
        "select k.key_id from person_keys k join mandate_sides s on s.side_id = k.owner_id where s.request_id = $1",
        request_id,
    )
    return [row["key_id"] for row in rows]


async def keys_of_account(connection: Connection, account_id: UUID) -> list[UUID]:
    """The ids of the keys of the person whom an account is."""
    return [row["key_id"] for row in await connection.fetch(KEYS_OF_ACCOUNT, account_id)]


async def drop_keys(connection: Connection, key_ids: Collection[UUID]) -> list[UUID]:
    """Delete keys; returns the ids of those that were there."""
    rows = await connection.fetch(
        "delete from person_keys where key_id = any($1::uuid[]) returning key_id", list(key_ids)
    )
    return sorted(row["key_id"] for row in rows)


async def add(connection: Connection, signature: Signature) -> None:
    """Keep a signature. Raises UniqueViolationError when one of this side stands."""
    await connection.execute(ADD, *(getattr(signature, name) for name in COLUMNS))


async def void(connection: Connection, request_id: UUID, now: datetime) -> list[UUID]:
    """Void what stands of a request; returns the ids."""
    rows = await connection.fetch(
        "update signatures set voided_at = $2 where request_id = $1 and voided_at is null returning signature_id",
        request_id,
        now,
    )
    return sorted(row["signature_id"] for row in rows)


async def of_requests(connection: Connection, request_ids: Collection[UUID]) -> list[Signature]:
    """The signatures of some requests, voided ones too, the oldest first."""
    rows = await connection.fetch(
        f"select {', '.join(COLUMNS)} from signatures where request_id = any($1::uuid[])"
        " order by signed_at, signature_id",
        list(request_ids),
    )
    return [Signature(*row) for row in rows]


async def told(connection: Connection, object_ids: Collection[UUID]) -> list[Entry]:
    """What the audit says of signatures of requests, and of keys, the oldest first."""
    rows: list[Any] = await connection.fetch(
        f"select {', '.join(ENTRY)} from audit where object_id = any($1::uuid[]) and action in"
        f" ('{SIGNED}', '{VOIDED}', '{ERASED}') order by id",
        list(object_ids),
    )
    return [Entry(*row) for row in rows]


async def signed_requests(connection: Connection, after: UUID, limit: int) -> list[UUID]:
    """Requests that were signed, as rows or the audit tell, by id."""
    rows = await connection.fetch(
        "select request_id from signatures where request_id > $1 union"
        f" select object_id from audit where action = '{SIGNED}' and object_id > $1 order by 1 limit $2",
        after,
        limit,
    )
    return [row["request_id"] for row in rows]


async def use_proof(connection: Connection, proof_id: UUID, request_id: UUID, now: datetime) -> bool:
    """Use a proof up for one request. False when it was used for it before."""
    used = await connection.execute(
        "insert into used_proofs (proof_id, request_id, used_at) values ($1, $2, $3) on conflict do nothing",
        proof_id, request_id, now,
    )  # fmt: skip
    return used == "INSERT 0 1"


async def forget_proofs(connection: Connection, before: datetime) -> None:
    """Forget proofs that are over by themselves."""
    await connection.execute("delete from used_proofs where used_at < $1", before)
