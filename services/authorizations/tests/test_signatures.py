"""A signature keeps what was signed; a changed character anywhere is found; an erased person leaves nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from asyncpg import UniqueViolationError

from chassis.audit.sealing import seal_all
from chassis.work import Work
from services.authorizations.accounts.handlers import forget_account
from services.authorizations.deciding.chores import erase_persons
from services.authorizations.signatures import chores, command, handlers, storage
from services.authorizations.signatures.domain import Contents, Shown, text_digest
from services.authorizations.signatures.handlers import ReadSignature, ReadSignatures, Sign
from services.authorizations.tests.conftest import TEST
from services.authorizations.tests.employers import Employer, an_employer
from services.authorizations.tests.practices import Practice, a_practice
from services.authorizations.tools import Tools
from tests.fixtures.gateway import OpenService

TEXT = "Je mandate Démo Déléguée.\nService : paiements."
CONTENTS = Contents(
    text=TEXT, digest=text_digest(TEXT), attestations=(Shown(code="alone", version=2, text="J’y accède seul."),),
    name="Démo Professionnelle", email="pro@example.org", network_address="203.0.113.7",
    verified_at=datetime(2026, 11, 28, 15, tzinfo=UTC),
)  # fmt: skip


@dataclass
class Desk:
    """A request that can be signed, whatever it asks for."""

    employer: Employer
    request_id: UUID

    @property
    def pool(self) -> Any:
        return self.employer.at.opened.unit.pool

    def asked(self, **changes: Any) -> Sign:
        owner = self.employer.administrator
        made = Sign(
            request_id=self.request_id, organization_id=self.employer.organization_id, text_version=1,
            side="professional", owner_id=owner.account_id, account_id=owner.account_id, contact_id=owner.contact_id,
            method="password", language="fr", contents=CONTENTS,
        )  # fmt: skip
        return replace(made, **changes)

    async def sign(self, **changes: Any) -> UUID:
        signed: UUID = await self.run(handlers.sign, self.asked(**changes))
        return signed

    async def run(self, handler: Callable[[Work[Tools], Any], Awaitable[Any]], command: Any) -> Any:
        return (await self.employer.at.opened.unit.run(handler, command, TEST)).outcome

    async def seal(self) -> None:
        await seal_all(self.employer.at.opened.unit)

    async def read(self) -> list[ReadSignature]:
        return list((await self.found()).kept)

    async def found(self) -> ReadSignatures:
        async with self.pool.acquire() as connection:
            return await handlers.read(
                connection, self.employer.at.opened.tools, self.request_id, datetime.now(UTC)
            )  # fmt: skip

    async def intact(self) -> list[bool | None]:
        return [one.intact for one in await self.read()]


@pytest.fixture
async def desk(open_service: OpenService, tmp_path: Path) -> Desk:
    employer = await an_employer(open_service, tmp_path)
    body = {"email": "x@example.org", "name": "Démo", "language": "fr", "type": "worker", "subjects": []}
    made = await employer.post("invitations", employer.administrator.headers, **body)
    return Desk(employer, UUID(made.json()["request_id"]))


async def test_it_reads_as_it_was_signed_before_and_after_it_is_sealed(desk: Desk) -> None:
    signature_id = await desk.sign()
    [newest] = await desk.read()
    await desk.seal()
    [sealed] = await desk.read()
    assert newest == sealed and sealed.intact and sealed.contents == CONTENTS
    assert sealed.signature.signature_id == signature_id


async def test_nothing_of_what_is_signed_stands_in_a_row_or_in_the_audit(desk: Desk) -> None:
    await desk.sign()
    kept = [dict(row) for row in await desk.pool.fetch("select * from signatures")]
    audited = [dict(row) for row in await desk.pool.fetch("select * from audit where action = 'mandate_signed'")]
    for secret in (TEXT, CONTENTS.digest, CONTENTS.name, "203.0.113.7", "pro@example.org"):
        assert secret not in repr(kept) + repr(audited)


CHANGES = {
    "the sealed text": "update signatures set sealed = overlay(sealed placing"
    " (case substr(sealed, {at}, 1) when 'A' then 'B' else 'A' end) from {at})",
    "the time": "update signatures set signed_at = signed_at + interval '1 microsecond'",
    "the side": "update signatures set side = 'delegate'",
    "the version of the text": "update signatures set text_version = 2",
    "how it was verified": "update signatures set method = 'email_code'",
    "the language": "update signatures set language = 'en'",
    "the person": "update signatures set account_id = gen_random_uuid()",
    "that it stands": "update signatures set voided_at = now()",
    "the digest in the audit": "update audit set detail = detail || jsonb_build_object('digest',"
    " overlay(detail ->> 'digest' placing (case left(detail ->> 'digest', 1) when 'a' then 'b' else 'a' end) from 1))"
    " where action = 'mandate_signed'",
    "who is said to have signed": "update audit set actor_id = 'tesu' where action = 'mandate_signed'",
    "that the audit tells of it": "delete from audit where action = 'mandate_signed'",
    "the key": "delete from person_keys",
}


async def test_one_changed_character_anywhere_is_found(desk: Desk) -> None:
    await desk.sign()
    await desk.seal()
    length = await desk.pool.fetchval("select length(sealed) from signatures")
    for what, change in CHANGES.items():
        for at in [length // 3, length // 2, length - 40] if "{at}" in change else [0]:
            async with desk.pool.acquire() as connection:
                transaction = connection.transaction()
                await transaction.start()
                await connection.execute(change.format(at=at))
                tools = desk.employer.at.opened.tools
                [read] = (await handlers.read(connection, tools, desk.request_id, datetime.now(UTC))).kept
                await transaction.rollback()
            assert read.intact is False, (what, at)
    assert await desk.intact() == [True]


async def test_a_row_changed_together_with_what_the_audit_says_is_found_by_the_seal(desk: Desk) -> None:
    signature_id = await desk.sign()
    await desk.seal()
    await desk.pool.execute("update signatures set signed_at = signed_at - interval '1 day'")
    [signature] = [read.signature for read in await desk.read()]
    await desk.pool.execute(
        "update audit set detail = detail || jsonb_build_object('digest', $1::text)"
        " where detail ->> 'signature_id' = $2", signature.digest, str(signature_id),
    )  # fmt: skip
    assert await desk.intact() == [False]


async def test_a_signature_that_is_gone_shows_by_the_audit_also_where_it_was_the_only_one(desk: Desk) -> None:
    await desk.sign()
    await desk.sign(side="delegate", owner_id=uuid4(), account_id=None, method="email_code")
    await desk.seal()
    assert await desk.intact() == [True, True] and (await desk.found()).intact
    await desk.pool.execute("delete from signatures where side = 'professional'")
    assert await desk.intact() == [True] and (await desk.found()).intact is False
    await desk.pool.execute("delete from signatures")
    assert (await desk.found()).intact is False


async def test_an_operator_reads_all_signatures_and_is_told_each_that_is_not_what_was_signed(desk: Desk) -> None:
    changed = await desk.sign()
    gone = await desk.sign(side="delegate", owner_id=uuid4(), account_id=None, method="email_code")
    await desk.seal()
    opened = desk.employer.at.opened

    async def told() -> list[str]:
        found = command.signed(opened.unit.pool, opened.tools, datetime.now(UTC))
        return [line async for request_id, read in found for line in command.faulty(request_id, read)]

    assert await told() == []
    await desk.pool.execute("update signatures set language = 'en' where signature_id = $1", changed)
    await desk.pool.execute("delete from signatures where signature_id = $1", gone)
    assert await told() == [
        f"signature {changed} of mandate {desk.request_id} is not what was signed",
        f"signature {gone} of mandate {desk.request_id} is missing",
    ]


async def test_a_side_signs_once_and_again_only_once_that_is_void(desk: Desk) -> None:
    await desk.sign()
    with pytest.raises(UniqueViolationError):
        await desk.sign()

    async def void(work: Work[Tools], request_id: UUID) -> None:
        await handlers.void(work, request_id, desk.employer.organization_id)

    await desk.run(void, desk.request_id)
    await desk.sign(text_version=2)
    await desk.seal()
    read = await desk.read()
    assert [one.intact for one in read] == [True, True]
    assert [one.signature.voided_at is None for one in read] == [False, True]


@pytest.fixture
async def practice(open_service: OpenService, keyring_folder: Path) -> Practice:
    return await a_practice(open_service, keyring_folder)


async def signed_by_both(practice: Practice) -> UUID:
    mandate_id = await practice.mandate()
    await practice.sign(mandate_id)
    *_, token = await practice.tokens()
    assert (await practice.countersign(mandate_id, token)).status_code == 201
    return mandate_id


async def read_by_agent(practice: Practice, mandate_id: UUID) -> list[tuple[str, bool, bool | None]]:
    """Of each side, whether its text can be read, and whether it is intact."""
    shown = await practice.client.get(f"/v1/mandates/{mandate_id}/document", headers=practice.at.agent)
    return [(one["side"], one["text"] is not None, one["intact"]) for one in shown.json()["signatures"]]


async def test_each_person_has_a_key_of_their_own_and_an_erased_one_leaves_nothing_readable(practice: Practice) -> None:
    mandate_id = await signed_by_both(practice)
    assert await practice.pool.fetchval("select count(distinct key_id) from signatures") == 2

    await practice.at.opened.unit.run(forget_account, practice.professional.account_id, TEST)

    assert await read_by_agent(practice, mandate_id) == [("professional", False, True), ("delegate", True, True)]
    key_id = await practice.pool.fetchval("select key_id from signatures where side = 'professional'")
    async with practice.pool.acquire() as connection:
        assert await storage.keys(connection, [key_id]) == {}


async def test_whoever_signed_without_an_account_is_erased_with_the_account_they_have_now(practice: Practice) -> None:
    mandate_id = await signed_by_both(practice)
    person = await practice.at.link(await practice.at.contact("1300001"))  # any contact that is linked
    await practice.pool.execute(
        "update mandate_sides set contact_id = $1 where request_id = $2 and side = 'delegate'",
        person.contact_id, mandate_id,
    )  # fmt: skip

    await practice.at.opened.unit.run(forget_account, person.account_id, TEST)

    assert await read_by_agent(practice, mandate_id) == [("professional", True, True), ("delegate", False, True)]
    described = await practice.pool.fetch(
        "select s.side from mandate_sides s join personal_fields p on p.owner_id = s.side_id where request_id = $1",
        mandate_id,
    )  # fmt: skip
    assert [row["side"] for row in described] == ["professional"]


async def test_a_side_that_signed_as_another_account_is_not_erased_with_one_that_its_contact_was_linked_to(
    practice: Practice,
) -> None:
    mandate_id, someone = await signed_by_both(practice), await practice.at.link(await practice.at.contact("1300001"))
    await practice.pool.execute(
        "update mandate_sides set contact_id = $1, account_id = $3 where request_id = $2 and side = 'delegate'",
        someone.contact_id, mandate_id, uuid4(),
    )  # fmt: skip

    await practice.at.opened.unit.run(forget_account, someone.account_id, TEST)

    assert await read_by_agent(practice, mandate_id) == [("professional", True, True), ("delegate", True, True)]


async def test_both_sides_of_a_mandate_that_ended_long_ago_are_unreadable_and_others_are_not(
    practice: Practice,
) -> None:
    over, other = await signed_by_both(practice), await practice.mandate(subject="account_statements")
    await practice.sign(other)
    await practice.pool.execute(
        "update requests set state = 'withdrawn', settled_at = now() - interval '20 years' where request_id = $1", over
    )
    await erase_persons(practice.at.opened.unit)
    assert await read_by_agent(practice, over) == [("professional", False, True), ("delegate", False, True)]
    assert await read_by_agent(practice, other) == [("professional", True, True)]


async def test_used_proofs_are_forgotten_once_they_are_over_by_themselves(desk: Desk) -> None:
    proof_id = uuid4()

    async def use(work: Work[Tools], _: None) -> bool:
        return await storage.use_proof(work.connection, proof_id, desk.request_id, work.now)

    assert await desk.run(use, None) and not await desk.run(use, None)
    await chores.forget(desk.employer.at.opened.unit)
    assert not await desk.run(use, None)
    await desk.pool.execute("update used_proofs set used_at = now() - interval '2 days'")
    await chores.forget(desk.employer.at.opened.unit)
    assert await desk.pool.fetchval("select count(*) from used_proofs") == 0
