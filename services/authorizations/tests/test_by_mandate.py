"""A right that came of a mandate names it: in explanations, lists and authorized files, and never a person with it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from uuid_utils.compat import uuid7

from services.authorizations.access import uses
from services.authorizations.access.uses import Use, Uses, note_use
from services.authorizations.tests.conftest import TEST, Firm, Someone
from tests.fixtures.patience import PATIENCE

SIGNED, ENDS = datetime(2026, 3, 2, 17, tzinfo=UTC), "2099-12-31"


async def mandate(firm: Firm, of: Someone, kind: str = "mandate", until: str | None = ENDS) -> UUID:
    """Let the right of a member to see the firm's profile have come of a request."""
    request_id, pool = uuid7(), firm.opened.unit.pool
    await pool.execute(
        "insert into requests (request_id, kind, organization_id, asked_by, asked, decider, state, outcome,"
        " submitted_at, received_at, settled_at, lapses_on) values ($1, $2, $3, 'test:test', '{}', 'agents', 'decided',"
        " 'approve', $4, $4, $4, '2026-12-31')",
        request_id, kind, firm.firm_id, SIGNED,
    )  # fmt: skip
    changed = await pool.execute(
        "update rights set request_id = $1, valid = daterange(lower(valid), $3::date, '[]') where relation_id in"
        " (select relation_id from relations where holder_id = $2) and subject = 'profile'",
        request_id, of.contact_id, None if until is None else datetime.fromisoformat(until).date(),
    )  # fmt: skip
    assert changed == "UPDATE 1"
    if kind == "mandate":
        await pool.execute(
            "insert into mandates (request_id, language, delegate_language, contact_id, relation_id, right_id)"
            " select $1, 'fr', 'fr', $2, relation_id, right_id from rights where request_id = $1",
            request_id, of.contact_id,
        )  # fmt: skip
    return request_id


async def test_an_explained_yes_names_the_mandate_and_its_days_in_both_languages(firm: Firm) -> None:
    member = await firm.member()
    mandate_id = await mandate(firm, member)
    answer = await firm.check(member.account_id, "profile", firm.firm_id, "read", explain=True)
    context = answer["context"]
    assert answer["decision"] and context["mandate_id"] == str(mandate_id)
    said = context["mandate"]
    assert (said["signed_on"], said["ends_on"]) == ("2026-03-02", ENDS)
    days = {"fr": ("2\u00a0mars 2026", "31\u00a0décembre 2099"), "en": ("March\u00a02, 2026", "December\u00a031, 2099")}
    for language, written in days.items():
        assert all(part in said[language] for part in (str(mandate_id), *written)) and ENDS not in said[language]
    assert "mandat" in said["fr"] and "mandate" in said["en"]


async def test_a_mandate_without_end_says_so(firm: Firm) -> None:
    member = await firm.member()
    await mandate(firm, member, until=None)
    said = (await firm.check(member.account_id, "profile", firm.firm_id, "read", explain=True))["context"]["mandate"]
    assert "sans date de fin" in said["fr"] and "no end date" in said["en"] and said["ends_on"] == "9999-12-31"


async def test_a_no_names_the_mandate_whose_right_has_ended_and_why(firm: Firm) -> None:
    member = await firm.member()
    mandate_id = await mandate(firm, member)
    after = await firm.check(
        member.account_id, "profile", firm.firm_id, "read", explain=True, at="2100-01-02T12:00:00Z"
    )
    assert (after["decision"], after["context"]["reason"]["code"]) == (False, "right")
    assert after["context"]["mandate_id"] == str(mandate_id)


@pytest.mark.parametrize("kind", [None, "proposed_end"])
async def test_a_right_that_was_given_otherwise_names_no_mandate(firm: Firm, kind: str | None) -> None:
    member = await firm.member()
    if kind is not None:
        await mandate(firm, member, kind)
    context = (await firm.check(member.account_id, "profile", firm.firm_id, "read", explain=True))["context"]
    assert not {"mandate", "mandate_id"} & context.keys()


async def test_a_plain_answer_stays_the_decision_alone(firm: Firm) -> None:
    member = await firm.member()
    await mandate(firm, member)
    assert await firm.check(member.account_id, "profile", firm.firm_id, "read") == {"decision": True}


async def test_authorized_files_and_the_list_of_authorizations_name_the_mandate(firm: Firm) -> None:
    member = await firm.member()
    mandate_id = await mandate(firm, member)
    files = (await firm.client.get("/v1/authorized-files", headers=member.headers)).json()["items"]
    assert [s["mandate_id"] for file in files for s in file["subjects"]] == [str(mandate_id)]
    listed = await firm.client.get(
        f"/v1/organizations/{firm.firm_id}/authorizations?subject=profile", headers=firm.responsible.headers
    )
    by_contact = {(row["contact"] or {}).get("contact_id"): row["mandate_id"] for row in listed.json()["items"]}
    assert by_contact[str(member.contact_id)] == str(mandate_id)
    assert by_contact[str(firm.responsible.contact_id)] is None


async def test_the_first_yes_of_a_day_to_a_service_stands_in_the_audit_with_mandate_and_delegate(firm: Firm) -> None:
    member, agency = await firm.member(), firm.opened.tools.agency
    object.__setattr__(firm.opened.tools, "agency", replace(agency, features=agency.features | {"mandates"}))
    mandate_id = await mandate(firm, member)
    path = f"/v1/organizations/{firm.firm_id}/audit?action=mandate_used"

    async def noted() -> list[Any]:
        return list((await firm.client.get(path, headers=firm.responsible.headers)).json()["items"])

    question = {
        "subject": {"type": "account", "id": str(member.account_id)}, "action": {"name": "read"},
        "resource": {"type": "profile", "id": str(firm.firm_id)},
    }  # fmt: skip
    own = await firm.client.post("/access/v1/evaluation", json=question, headers=member.headers)
    assert own.json() == {"decision": True}
    in_a_month = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    assert (await firm.check(member.account_id, "profile", firm.firm_id, "read", at=in_a_month))["decision"]
    assert not (await firm.check(member.account_id, "profile", firm.firm_id, "write"))["decision"]
    assert (await firm.check(firm.responsible.account_id, "profile", firm.firm_id, "read"))["decision"]
    assert await noted() == []
    for _ in range(2):
        assert await firm.check(member.account_id, "profile", firm.firm_id, "read") == {"decision": True}
    await firm.opened.unit.run(note_use, await _use(firm, member), TEST)  # another process, the same day
    [entry] = await noted()
    assert entry["about"]["contact_id"] == str(member.contact_id) and entry["actor"]["kind"] == "machine"
    assert entry["detail"] == {"mandate_id": str(mandate_id), "subject": "profile"}
    assert "personne mandatée" in entry["action_text"]


async def test_a_check_is_answered_before_the_use_of_a_mandate_is_noted_and_where_that_fails(firm: Firm) -> None:
    member, agency, pool = await firm.member(), firm.opened.tools.agency, firm.opened.unit.pool
    object.__setattr__(firm.opened.tools, "agency", replace(agency, features=agency.features | {"mandates"}))
    mandate_id = await mandate(firm, member)

    async def noted() -> int:
        return int(await pool.fetchval("select count(*) from audit where action = 'mandate_used'"))

    await pool.execute("alter table mandates rename column used_on to elsewhere")
    assert await firm.check(member.account_id, "profile", firm.firm_id, "read") == {"decision": True}
    await pool.execute("alter table mandates rename column elsewhere to used_on")

    answered, transport = asyncio.Event(), firm.client._transport
    assert isinstance(transport, httpx.ASGITransport)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def sent(message: Any) -> None:
            await send(message)
            if message["type"] == "http.response.body":
                answered.set()

        await transport.app(scope, receive, sent)

    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=firm.client.base_url)
    through = replace(firm, opened=replace(firm.opened, client=client))
    async with client, pool.acquire() as connection:
        async with connection.transaction():
            await connection.execute("select from mandates where request_id = $1 for update", mandate_id)
            asking = asyncio.create_task(through.check(member.account_id, "profile", firm.firm_id, "read"))
            await asyncio.wait_for(answered.wait(), PATIENCE)
            assert await noted() == 0
        assert await asking == {"decision": True}
    assert await noted() == 1


async def test_one_look_serves_a_batch_and_a_process_remembers_so_many_yeses_at_most(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    member, unit, found = await firm.member(), firm.opened.unit, Uses()
    await mandate(firm, member)
    monkeypatch.setattr(uses, "MOST_REMEMBERED", 3)
    use = await _use(firm, member)
    others = [(uuid4(), "profile") for _ in range(2)]
    yeses = [(use.relation_id, "profile"), *others]
    await found.note(unit, TEST, found.fresh(yeses, use.moment.day), use.moment)
    assert await unit.pool.fetchval("select count(*) from audit where action = 'mandate_used'") == 1
    assert found.fresh(yeses, use.moment.day) == []
    more = (uuid4(), "profile")
    await found.note(unit, TEST, found.fresh([more], use.moment.day), use.moment)
    assert found.seen == {more}


async def _use(firm: Firm, member: Someone) -> Use:
    relation_id = await firm.opened.unit.pool.fetchval(
        "select relation_id from relations where holder_id = $1 and through is null", member.contact_id
    )
    return Use(relation_id, "profile", firm.opened.tools.moment(datetime.now(UTC)))
