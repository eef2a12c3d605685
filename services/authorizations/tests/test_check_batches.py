"""Several AuthZEN questions at once: what each item leaves out, how far it goes on, and who may ask."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi.routing import APIRoute
from uuid_utils.compat import uuid7

from chassis import after
from chassis.after import Written
from services.authorizations.access import authzen, described
from services.authorizations.tests.conftest import DELEGABLE, NOT_DELEGABLE, Firm, Someone

PATH = "/access/v1/evaluations"
YES, NO = {"decision": True}, {"decision": False}


def account(identity: Any) -> dict[str, Any]:
    return {"type": "account", "id": str(identity)}


def on(subject: str, organization: Any) -> dict[str, Any]:
    return {"resource": {"type": subject, "id": str(organization)}}


async def ask(firm: Firm, body: Any, scope: str = "access:evaluate", **headers: str) -> httpx.Response:
    token = {"Authorization": f"Bearer {firm.opened.issuer.machine(scope)}"}
    return await firm.client.post(PATH, json=body, headers=token | headers)


@pytest.fixture
async def member(firm: Firm) -> Someone:
    """A member to whom a client was delegated as a whole."""
    found = await firm.member()
    assert (await firm.delegate(found.contact_id, next(iter(firm.clients.values())))).status_code == 201
    return found


@pytest.fixture
def client_id(firm: Firm) -> UUID:
    return next(iter(firm.clients.values()))


async def test_what_an_item_leaves_out_stands_beside_the_items_and_each_is_answered_in_its_place(
    firm: Firm, member: Someone, client_id: UUID
) -> None:
    subjects = sorted(DELEGABLE | NOT_DELEGABLE)
    asked = [on(subject, client_id) for subject in subjects]
    body = {"subject": account(member.account_id), "action": {"name": "write"}, "evaluations": asked}
    answer = await ask(firm, body, **{"X-Request-ID": "batch-1"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (200, "batch-1")
    assert answer.json() == {"evaluations": [YES if subject in DELEGABLE else NO for subject in subjects]}


async def test_a_key_of_an_item_takes_the_whole_place_of_the_one_above(
    firm: Firm, member: Someone, client_id: UUID
) -> None:
    body = {
        "subject": account(uuid4()), "action": {"name": "write"}, "context": {"explain": True},
        **on("profile", client_id),
        "evaluations": [{}, {"subject": account(member.account_id), "context": {}}, {"resource": {"type": "profile"}}],
    }  # fmt: skip
    nobody, somebody, half = (await ask(firm, body)).json()["evaluations"]
    assert (nobody["decision"], nobody["context"]["reason"]["code"]) == (False, "no_profile")
    assert somebody == YES  # not explained: its context is another
    assert (half["decision"], half["context"]["reason"]["fields"]) == (False, ["resource.id"])  # no deep merge


async def test_an_item_that_is_no_question_is_a_no_with_its_reason_and_the_others_are_answered(
    firm: Firm, member: Someone, client_id: UUID
) -> None:
    good = {"subject": account(member.account_id), "action": {"name": "read"}, **on("profile", client_id)}
    body = {"evaluations": [good, {**good, "action": {"name": 3}}, good]}
    first, bad, last = (await ask(firm, body)).json()["evaluations"]
    assert first == last == YES
    assert bad["decision"] is False and bad["context"]["reason"]["code"] == "malformed"
    assert all("action.name" in bad["context"]["reason"][language] for language in ("fr", "en"))


@pytest.mark.parametrize("item", [3, "profile", None, [], [{}]])
async def test_an_item_that_is_no_object_is_a_no_too_and_named_by_its_place(
    firm: Firm, member: Someone, client_id: UUID, item: Any
) -> None:
    beside = {"subject": account(member.account_id), "action": {"name": "read"}, **on("profile", client_id)}
    first, bad, last = (await ask(firm, beside | {"evaluations": [{}, item, {}]})).json()["evaluations"]
    assert first == last == YES
    assert (bad["decision"], bad["context"]["reason"]["fields"]) == (False, ["evaluations.1"])


@pytest.mark.parametrize(
    ("semantic", "answered"),
    [
        ("execute_all", [True, False, True, False]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
async def test_a_batch_goes_on_to_its_end_to_the_first_no_or_to_the_first_yes(
    firm: Firm, member: Someone, client_id: UUID, semantic: str, answered: list[bool]
) -> None:
    subjects = ["profile", "status_letter", "monthly_report", "site_identification"]
    body = {
        "subject": account(member.account_id), "action": {"name": "read"},
        "evaluations": [on(subject, client_id) for subject in subjects],
        "options": {"evaluations_semantic": semantic},
    }  # fmt: skip
    found = (await ask(firm, body)).json()["evaluations"]
    assert [one["decision"] for one in found] == answered


@pytest.mark.parametrize("more", [{}, {"evaluations": []}])
async def test_without_items_a_batch_is_one_question(
    firm: Firm, member: Someone, client_id: UUID, more: dict[str, Any]
) -> None:
    one = {"subject": account(member.account_id), "action": {"name": "read"}, **on("profile", client_id)}
    assert (await ask(firm, one | more)).json() == YES
    assert (await ask(firm, more)).status_code == 400


async def test_a_batch_answers_what_its_questions_are_answered_alone(
    firm: Firm, member: Someone, client_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authzen, "MOST", 2)  # of one query
    asked = [(who, subject) for who in (member.account_id, firm.responsible.account_id, uuid4())
             for subject in ("profile", "status_letter", "nothing")]  # fmt: skip
    alone = [await firm.check(who, subject, client_id, "write", explain=True) for who, subject in asked]
    items = [{"subject": account(who), **on(subject, client_id)} for who, subject in asked]
    body = {"action": {"name": "write"}, "context": {"explain": True}, "evaluations": items}
    assert (await ask(firm, body)).json() == {"evaluations": alone}


async def test_a_person_asks_about_itself_only_and_a_machine_needs_the_scope(
    firm: Firm, member: Someone, client_id: UUID
) -> None:
    own = {"subject": account(member.account_id), "action": {"name": "read"}, **on("profile", client_id)}
    token = {"Authorization": member.headers["Authorization"]}
    answered = await firm.client.post(PATH, json={"evaluations": [own, own]}, headers=token)
    assert answered.json() == {"evaluations": [YES, YES]}
    mixed = {"evaluations": [own, own | {"subject": account(firm.responsible.account_id)}]}
    assert (await firm.client.post(PATH, json=mixed, headers=token)).status_code == 403
    assert (await ask(firm, {"evaluations": [own]}, scope="something:else")).status_code == 403
    assert (await ask(firm, {"evaluations": [{}]}, scope="something:else")).status_code == 403
    assert (await firm.client.post(PATH, json={"evaluations": [own]})).status_code == 401
    noted = await firm.opened.unit.pool.fetch(
        "select actor_kind, detail ->> 'attempted' as attempted from audit where action = 'refused' order by id"
    )
    attempted = f"POST {PATH}"
    assert [tuple(row) for row in noted] == [("account", attempted), ("machine", attempted)]  # the last is counted


async def test_a_batch_that_is_none_or_too_long_is_a_400(firm: Firm) -> None:
    bodies: list[Any] = [
        {"evaluations": 3}, {"evaluations": "profile"}, {"evaluations": {}}, [],
        {"options": {"evaluations_semantic": "some"}},
        {"evaluations": [{}] * (authzen.MOST_QUESTIONS + 1)},
    ]  # fmt: skip
    for body in bodies:
        refused = await ask(firm, body)
        assert refused.status_code == 400 and isinstance(refused.json(), str), body
    assert (await firm.client.get(PATH)).status_code == 405


async def test_so_many_of_a_batch_can_be_explained_and_no_more(
    firm: Firm, member: Someone, client_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authzen, "MOST_EXPLAINED", 2)
    explained = on(next(iter(DELEGABLE)), client_id) | {"context": {"explain": True}}
    body: dict[str, Any] = {"subject": account(member.account_id), "action": {"name": "read"}}
    items = [explained, explained, on(next(iter(DELEGABLE)), client_id)]
    assert (await ask(firm, body | {"evaluations": items})).status_code == 200
    answer = await ask(firm, body | {"evaluations": [*items, explained]})
    assert (answer.status_code, answer.json()) == (400, "at most 2 of the evaluations can be explained")


async def test_each_path_that_the_document_describes_is_answered_by_the_check_itself(firm: Firm) -> None:
    token = {"Authorization": f"Bearer {firm.opened.issuer.machine('access:evaluate')}"}
    paths = [route.path for route in described.routes.routes if isinstance(route, APIRoute)]
    assert PATH in paths
    for path in paths:
        answer = await firm.client.post(path, json={}, headers=token)
        assert (answer.status_code, type(answer.json())) == (400, str), path


async def test_a_batch_waits_for_what_each_of_its_questions_must_know(
    firm: Firm, client_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after, "PATIENCE", 0.05)
    named = after.name([Written("linking.events", "mandat.linking.ProfileLinked.v1", uuid7(), "key")])
    one = {"subject": account(firm.responsible.account_id), "action": {"name": "read"}, **on("profile", client_id)}
    waiting = await ask(firm, {"evaluations": [one, one | {"context": {"after": named}}]})
    assert (waiting.status_code, waiting.json(), waiting.headers["retry-after"]) == (409, "not_yet_applied", "1")
