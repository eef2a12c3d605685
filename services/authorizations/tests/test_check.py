"""The AuthZEN evaluation: its form, its leniency, its noes, and who may ask."""

import asyncio
import contextlib
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from prometheus_client import REGISTRY
from uuid_utils.compat import uuid7

from chassis import after
from chassis.after import Awaited, Waiters, Written
from services.authorizations.access import storage
from services.authorizations.tests.conftest import Firm
from tests.fixtures.patience import PATIENCE

PATH = "/access/v1/evaluation"
BY_PATH = {"method": "POST", "route": PATH}


def question(account: Any, organization: Any) -> dict[str, Any]:
    """A well-formed question."""
    return {
        "subject": {"type": "account", "id": str(account)},
        "action": {"name": "read"},
        "resource": {"type": "profile", "id": str(organization)},
    }


async def test_an_organization_may_be_named_by_kind_and_number(firm: Firm) -> None:
    assert (await firm.check(firm.responsible.account_id, "profile", "firm:5000001"))["decision"]
    assert not (await firm.check(firm.responsible.account_id, "profile", "firm:5000009"))["decision"]


async def test_unknown_accounts_organizations_and_subjects_are_a_plain_no(firm: Firm) -> None:
    me = firm.responsible.account_id
    for account, subject, organization in ((uuid4(), "profile", firm.firm_id), (me, "nothing", firm.firm_id),
                                           (me, "profile", uuid4()), (me, "profile", "no such thing")):  # fmt: skip
        assert not (await firm.check(account, subject, organization))["decision"]


async def test_without_explain_the_answer_is_the_decision_alone(firm: Firm) -> None:
    assert await firm.check(firm.responsible.account_id, "profile", firm.firm_id) == {"decision": True}


async def test_an_allowed_answer_explains_its_whole_chain(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    await firm.delegate(member.contact_id, client_id)
    answer = await firm.check(member.account_id, "profile", client_id, explain=True)
    chain = answer["context"]["chain"]
    assert [link["link"] for link in chain] == [
        "account", "binding", "organization", "firm", "unblocked", "membership", "through", "relation", "delegable",
        "right", "firm_right", "level",
    ]  # fmt: skip
    assert all(link["holds"] and link["fr"] and link["en"] for link in chain)


async def test_a_no_names_the_first_link_that_fails_and_what_to_do_in_both_languages(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    await firm.delegate(member.contact_id, client_id)
    context = (await firm.check(member.account_id, "status_letter", client_id, explain=True))["context"]
    assert context["reason"]["code"] == "delegable"
    assert "ne peut pas être délégué" in context["reason"]["fr"] and "cannot be delegated" in context["reason"]["en"]
    assert "employeur" in context["next"]["fr"] and "employer" in context["next"]["en"]


async def test_a_no_without_any_chain_to_the_subject_shows_the_links_up_to_the_first_that_fails(firm: Firm) -> None:
    member, (client_id, other_id) = await firm.member(), list(firm.clients.values())
    chosen = [{"subject": "monthly_report", "level": "read"}]
    assert (await firm.delegate(member.contact_id, client_id, subjects=chosen)).status_code == 201

    async def shown(account_id: UUID, organization_id: UUID) -> tuple[str, dict[str, bool]]:
        context = (await firm.check(account_id, "profile", organization_id, explain=True))["context"]
        assert all(context["next"][language] for language in ("code", "fr", "en"))
        return context["reason"]["code"], {link["link"]: link["holds"] for link in context["chain"]}

    to_it = dict.fromkeys(
        ("account", "binding", "organization", "firm", "unblocked", "membership", "through", "relation"), True
    )
    assert await shown(member.account_id, client_id) == ("no_subject", to_it | {"right": False})
    assert await shown(member.account_id, other_id) == ("no_relation", {"relation": False})
    assert await shown(uuid7(), client_id) == ("no_profile", {"binding": False})
    await firm.opened.unit.pool.execute("update statuses set active = false where owner_id = $1", firm.firm_id)
    until_the_firm = {"account": True, "binding": True, "organization": True, "firm": False}
    assert await shown(member.account_id, client_id) == ("firm", until_the_firm)


async def test_an_inactive_organization_can_be_acted_for_by_nobody_and_comes_back(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    await firm.delegate(member.contact_id, client_id)
    pool = firm.opened.unit.pool
    await pool.execute("update statuses set active = false where owner_id = $1", client_id)
    denied = await firm.check(member.account_id, "profile", client_id, explain=True)
    assert (denied["decision"], denied["context"]["reason"]["code"]) == (False, "organization")
    await pool.execute("update statuses set active = true where owner_id = $1", client_id)
    assert (await firm.check(member.account_id, "profile", client_id))["decision"]


@pytest.mark.parametrize("linked", [True, False])
async def test_a_number_that_nobody_has_looks_to_a_person_like_one_it_has_nothing_to_do_with(
    firm: Firm, linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = firm.responsible.account_id if linked else uuid7()
    headers = {"Authorization": f"Bearer {firm.opened.issuer.person(me)}"}
    work: list[str] = []
    for name in ("of_accounts", "has_profile", "of_account"):
        asked = getattr(storage, name)

        def counted(*arguments: Any, name: str = name, asked: Any = asked) -> Any:
            work.append(name if name != "of_accounts" else f"{name} {len(arguments[1])}")
            return asked(*arguments)

        monkeypatch.setattr(storage, name, counted)
    seen = []
    for organization in ("employer:1000001", "employer:9999999", str(uuid4())):
        body = question(me, organization) | {"context": {"explain": True}}
        work.clear()
        seen.append(((await firm.client.post(PATH, json=body, headers=headers)).json(), tuple(work)))
    assert seen[0] == seen[1] == seen[2]  # what it says, and what it costs, which time would tell
    assert seen[0][0]["context"]["reason"]["code"] == ("no_relation" if linked else "no_profile")


async def test_a_system_is_told_that_a_number_is_nobodys(firm: Firm) -> None:
    for organization, reason in (("employer:1000001", "no_profile"), ("employer:9999999", "unknown")):
        context = (await firm.check(uuid7(), "profile", organization, explain=True))["context"]
        assert context["reason"]["code"] == reason


async def test_an_instant_that_no_calendar_bears_is_a_400(firm: Firm) -> None:
    headers = {"Authorization": f"Bearer {firm.opened.issuer.machine('access:evaluate')}"}
    for at in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"):
        body = question(firm.responsible.account_id, firm.firm_id) | {"context": {"at": at}}
        assert (await firm.client.post(PATH, json=body, headers=headers)).status_code == 400


async def test_a_body_over_the_limit_and_a_missing_migration_answer_in_the_same_form(firm: Firm) -> None:
    headers = {
        "Authorization": f"Bearer {firm.opened.issuer.machine('access:evaluate')}",
        "Content-Type": "application/json",
        "X-Request-ID": "abc-2",
    }
    large = await firm.client.post(PATH, content=b'{"a": "' + b"x" * 70_000 + b'"}', headers=headers)
    assert (large.status_code, large.headers["x-request-id"]) == (400, "abc-2")
    await firm.opened.unit.pool.execute("alter table bindings rename to bindings_away")
    failing = await firm.client.post(PATH, json=question(uuid4(), firm.firm_id), headers=headers)
    assert (failing.status_code, failing.headers["x-request-id"]) == (500, "abc-2")
    assert failing.json().startswith("an error on our side, ")  # no outage that time would mend


async def test_a_person_asks_about_itself_only(firm: Firm) -> None:
    headers = {"Authorization": firm.responsible.headers["Authorization"]}
    own = await firm.client.post(PATH, json=question(firm.responsible.account_id, firm.firm_id), headers=headers)
    assert (own.status_code, own.json()) == (200, {"decision": True})
    other = await firm.client.post(PATH, json=question(uuid4(), firm.firm_id), headers=headers)
    assert other.status_code == 403


async def test_a_machine_needs_the_scope_and_everybody_a_token(firm: Firm) -> None:
    body = question(firm.responsible.account_id, firm.firm_id)
    without = {"Authorization": f"Bearer {firm.opened.issuer.machine('something:else')}"}
    assert (await firm.client.post(PATH, json=body, headers=without)).status_code == 403
    assert (await firm.client.post(PATH, json=body)).status_code == 401
    assert (await firm.client.post(PATH, json=body, headers=firm.agent)).status_code == 403


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"{}", "text/plain"),
        (b'{"subject": {"type": "account", "id": 3}, "action": {"name": "read"}, "resource": {"type": "p", "id": "x"}}',
         "application/json"),
        (b'{"subject": {"type": "account"}, "action": {"name": "read"}, "resource": {"type": "p", "id": "x"}}',
         "application/json"),
        (b'{"subject": {"type": "account", "id": "x\\u0000"}, "action": {"name": "read"},'
         b' "resource": {"type": "p", "id": "x"}}', "application/json"),
        (b'{"subject": {"type": "account", "id": "x"}, "action": {"name": "read"},'
         b' "resource": {"type": "p", "id": "\\ud800"}}', "application/json"),
        (b"[" * 20000, "application/json"),
    ],
)  # fmt: skip
async def test_whatever_is_malformed_is_a_400_with_a_short_text(firm: Firm, content: bytes, kind: str) -> None:
    headers = {"Authorization": f"Bearer {firm.opened.issuer.machine('access:evaluate')}", "Content-Type": kind}
    answer = await firm.client.post(PATH, content=content, headers=headers)
    assert answer.status_code == 400
    assert isinstance(answer.json(), str) and "Traceback" not in answer.text


async def test_unknown_fields_are_ignored_and_the_request_id_comes_back(firm: Firm) -> None:
    headers = {"Authorization": f"Bearer {firm.opened.issuer.machine('access:evaluate')}", "X-Request-ID": "abc-1"}
    body = question(firm.responsible.account_id, firm.firm_id) | {"more": 1}
    body["subject"]["properties"] = {"x": [1]}
    answer = await firm.client.post(PATH, json=body, headers=headers)
    assert (answer.status_code, answer.json(), answer.headers["x-request-id"]) == (200, {"decision": True}, "abc-1")


async def test_a_check_waits_for_what_context_after_names(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(after, "PATIENCE", 0.05)
    named = after.name([Written("linking.events", "mandat.linking.ProfileLinked.v1", uuid7(), "key")])
    headers = {"Authorization": f"Bearer {firm.opened.issuer.machine('access:evaluate')}"}
    body = question(firm.responsible.account_id, firm.firm_id)
    waiting = await firm.client.post(PATH, json=body | {"context": {"after": named}}, headers=headers)
    assert (waiting.status_code, waiting.json(), waiting.headers["retry-after"]) == (409, "not_yet_applied", "1")
    junk = await firm.client.post(PATH, json=body | {"context": {"after": "junk"}}, headers=headers)
    assert junk.status_code == 400


async def test_a_check_is_timed_without_what_it_was_asked_to_wait_for(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, look = asyncio.Event(), Waiters._missing

    async def looked(waiters: Waiters, awaited: set[Awaited]) -> set[Awaited]:
        missing = await look(waiters, awaited)
        waits.set()
        return missing

    monkeypatch.setattr(Waiters, "_missing", looked)
    monkeypatch.setattr(after, "PATIENCE", PATIENCE)

    def totals() -> list[float]:
        timed = [("mandat_access_check_seconds", {}), ("mandat_request_seconds", BY_PATH | {"status": "2xx"})]
        return [REGISTRY.get_sample_value(f"{name}_sum", labels) or 0.0 for name, labels in timed]

    linked, before = uuid7(), totals()
    named = after.name([Written("linking.events", "mandat.linking.ProfileLinked.v1", linked, "key")])
    asking = asyncio.create_task(firm.check(firm.responsible.account_id, "profile", firm.firm_id, after=named))
    async with asyncio.timeout(PATIENCE):
        await waits.wait()
    await asyncio.sleep(0.3)
    await firm.opened.unit.pool.execute(
        "insert into inbox (consumer, event_id) values ('authorizations.linking.events', $1)", linked
    )
    assert (await asking)["decision"]

    checked, requested = (now - number for now, number in zip(totals(), before, strict=True))
    assert 0 < checked <= requested - 0.29


async def test_a_right_ends_with_the_agencys_day_not_with_utcs(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    last = (datetime.now(UTC) + timedelta(days=30)).date()
    await firm.delegate(member.contact_id, client_id, ends_on=last.isoformat())
    midnight = datetime.combine(last + timedelta(days=1), time(0), firm.opened.tools.agency.profile.zone)
    evening = (midnight - timedelta(minutes=1)).isoformat()  # already the next day in UTC
    after_midnight = midnight.isoformat()
    assert (await firm.check(member.account_id, "profile", client_id, at=evening))["decision"]
    assert not (await firm.check(member.account_id, "profile", client_id, at=after_midnight))["decision"]


async def test_before_the_link_the_account_could_do_nothing(firm: Firm) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    assert not (await firm.check(firm.responsible.account_id, "profile", firm.firm_id, at=long_ago))["decision"]


async def ask(firm: Firm) -> httpx.Response:
    token = firm.opened.issuer.machine("access:evaluate")
    return await firm.client.post(
        PATH,
        json=question(firm.responsible.account_id, firm.firm_id),
        headers={"Authorization": f"Bearer {token}"},
    )


async def test_when_every_connection_is_taken_the_caller_is_told_to_come_again_and_does_not_wait_for_ever(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = firm.opened.unit.pool
    async with contextlib.AsyncExitStack() as held:
        for _ in range(pool.get_max_size()):
            await held.enter_async_context(pool.acquire())
        impatient = held.enter_context(monkeypatch.context())
        impatient.setattr(pool, "patience", 0.05)
        async with asyncio.timeout(PATIENCE):
            refused = await ask(firm)

    assert (refused.status_code, refused.json(), refused.headers["retry-after"]) == (503, "unavailable", "2")
    assert (await ask(firm)).json() == {"decision": True}


async def test_what_was_known_then_answers_when_asked(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    unknown = datetime.now(UTC).isoformat()
    await firm.delegate(member.contact_id, client_id)
    before = datetime.now(UTC).isoformat()
    await firm.remove(member.contact_id)

    async def says(**context: str) -> bool:
        return bool((await firm.check(member.account_id, "profile", client_id, **context))["decision"])

    assert [await says(), await says(recorded_at=before), await says(recorded_at=unknown)] == [False, True, False]
    assert not await says(at=before, recorded_at=unknown)
    assert await says(at=before)


async def test_questions_that_are_asked_at_once_are_each_answered_as_if_alone(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    before = datetime.now(UTC).isoformat()
    await firm.delegate(member.contact_id, client_id)
    long_ago = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    asked: list[tuple[Any, str, Any, dict[str, str]]] = [
        (member.account_id, "profile", client_id, {}),
        (member.account_id, "status_letter", client_id, {}),
        (member.account_id, "profile", client_id, {"recorded_at": before}),
        (member.account_id, "profile", client_id, {"at": long_ago}),
        (member.account_id, "nothing", client_id, {}),
        (uuid7(), "profile", client_id, {}),
        (member.account_id, "profile", "employer:9999999", {}),
        (firm.responsible.account_id, "profile", "firm:5000001", {}),
        (firm.responsible.account_id, "profile", firm.firm_id, {}),
        (firm.responsible.account_id, "profile", firm.firm_id, {"recorded_at": long_ago}),
        (member.account_id, "monthly_report", client_id, {}),
    ]
    alone = [await firm.check(who, what, where, **context) for who, what, where, context in asked]
    together = await asyncio.gather(*(firm.check(who, what, where, **context) for who, what, where, context in asked))
    assert together == alone
    yes = [answer["decision"] for answer in together]
    assert yes == [True, False, False, False, False, False, False, True, True, False, True]


async def test_a_removal_is_in_every_answer_that_is_asked_for_after_it_while_others_ask_without_end(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    await firm.delegate(member.contact_id, client_id)
    over, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def ask_on() -> list[bool]:
        said: list[bool] = []
        while not over.is_set():
            said.append((await firm.check(member.account_id, "profile", client_id))["decision"])
            begun.release()
        return said

    asking = [asyncio.create_task(ask_on()) for _ in range(8)]
    async with asyncio.timeout(PATIENCE):
        for _ in asking:
            await begun.acquire()
    assert (await firm.remove(member.contact_id)).status_code == 200
    after_it = await asyncio.gather(*(firm.check(member.account_id, "profile", client_id) for _ in range(20)))
    over.set()
    assert [answer["decision"] for answer in after_it] == [False] * 20
    assert all(said == sorted(said, reverse=True) and said[0] for said in await asyncio.gather(*asking))


async def test_other_methods_are_refused_in_the_same_form(firm: Firm) -> None:
    refused = await firm.client.get(PATH)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert isinstance(refused.json(), str)
