"""Agents see, redrive and drop dead letters on the operations port, and nobody else does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import KeySet

from chassis import operations
from chassis.dead_letters import api, storage
from chassis.dead_letters.redrive import Redrive
from chassis.dead_letters.storage import Choice
from chassis.gateway import Gateway
from chassis.outcomes import Poison
from chassis.subscriptions import Order, Subscription
from chassis.tests.conftest import Bench
from chassis.tests.letters import parked
from chassis.tests.library import count, opened
from chassis.tests.visiting import check
from chassis.tokens import Verifier
from chassis.work import Work
from contracts.accounts import AccountOpened
from tests.fixtures.gateway import AGENTS, BASE, Issuer

PATH = "/v1/dead-letters"


async def count_but_666(work: Work[None], event: AccountOpened) -> None:
    await count(work, event)
    if event.terms_version == "666":
        raise Poison("still")


@dataclass
class Desk:
    """The operations port under test."""

    http: httpx.AsyncClient
    bench: Bench
    issuer: Issuer
    clock: list[float]  # what it tells next; then it stands still

    async def ask(self, method: str, path: str = "", body: Any = None, token: str | None = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {token or self.issuer.agent()}"}
        return await self.http.request(method, PATH + path, json=body, headers=headers)


@pytest.fixture
async def desk(bench: Bench) -> AsyncIterator[Desk]:
    issuer = Issuer()
    verifier = Verifier(BASE, (AGENTS,), bench.pool)
    for source in (f"{BASE}/.well-known/jwks.json", AGENTS.jwks_uri):
        verifier.learn(source, KeySet([issuer.key]))
    redrive = Redrive(bench.unit, [Subscription(AccountOpened, count_but_666, Order.KEPT)])
    clock: list[float] = []
    agents = api.build("test", Gateway(bench.unit, verifier, {}, "fr"), redrive, lambda: clock.pop(0) if clock else 0.0)
    app = operations.build({}, agents, agents)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://operations.test") as http:
        yield Desk(http, bench, issuer, clock)


async def test_an_agent_lists_page_by_page_and_by_key(desk: Desk) -> None:
    keys = [uuid4() for _ in range(3)]
    letters = await parked(desk.bench, *map(opened, keys))

    first = (await desk.ask("GET", "?limit=2")).json()
    second = (await desk.ask("GET", f"?limit=2&cursor={first['next_cursor']}")).json()
    of_one = (await desk.ask("GET", f"?key={keys[1]}")).json()

    assert [item["id"] for item in first["items"] + second["items"]] == letters
    assert (first["total"], first["total_is_exact"], second["next_cursor"]) == (3, True, None)
    assert [item["id"] for item in of_one["items"]] == [letters[1]]
    item = of_one["items"][0]
    assert (item["type"], item["key"]) == ("mandat.accounts.AccountOpened.v1", str(keys[1]))
    assert (item["reason"], item["attempts"], item["behind"]) == ("because", 1, False)


async def test_an_agent_sees_what_a_letter_holds_masked_and_is_audited(desk: Desk) -> None:
    identity = uuid4()
    first, second = await parked(desk.bench, opened(identity, 1), opened(identity, 2))

    shown = (await desk.ask("GET", f"/{second}")).json()

    assert shown["payload"] == {"account_id": str(identity), "terms_version": "••• (1)"}
    assert shown["waits_for"] == first
    assert len(shown["payload_sha256"]) == 64
    [audited] = await desk.bench.rows("audit")
    assert (audited["actor_kind"], audited["actor_id"]) == ("agent", f"{AGENTS.issuer}#agent-1")
    assert (audited["action"], audited["detail"]) == ("dead_letter.shown", {"letter": second})


async def test_an_agent_redrives_one_a_key_and_all(desk: Desk) -> None:
    one, two, three = uuid4(), uuid4(), uuid4()
    letters = await parked(desk.bench, opened(one), opened(two), opened(three, 666), opened(three, 7))

    assert (await desk.ask("POST", f"/{letters[0]}/redrive")).json() == {"id": letters[0], "ending": "applied"}
    by_key = (await desk.ask("POST", "/redrive", {"key": str(two)})).json()
    assert [redriven["id"] for redriven in by_key["redriven"]] == [letters[1]]
    assert (await desk.ask("POST", "/redrive", {})).json() == {
        "redriven": [],
        "failed": [{"id": letters[2], "reason": "Poison: still"}],
        "waiting": [{"id": letters[3], "waits_for": letters[2]}],
        "next": None,
    }
    check(await desk.ask("POST", f"/{letters[2]}/redrive"), "dead_letter_failed")
    check(await desk.ask("POST", f"/{letters[3]}/redrive"), "dead_letter_behind")
    actors = {row["actor_kind"] for row in await desk.bench.rows("audit")}
    assert actors == {"agent"}


async def test_a_redrive_without_a_body_is_one_of_all(desk: Desk) -> None:
    letters = await parked(desk.bench, opened(uuid4()), opened(uuid4()))
    assert [one["id"] for one in (await desk.ask("POST", "/redrive")).json()["redriven"]] == letters


async def test_many_are_redriven_in_portions(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MOST_AT_ONCE", 2)
    bad = uuid4()
    letters = await parked(desk.bench, opened(bad, 666), opened(bad), opened(uuid4()))

    first = (await desk.ask("POST", "/redrive", {})).json()
    second = (await desk.ask("POST", "/redrive", {"after": first["next"]})).json()

    assert [item["id"] for item in first["failed"] + first["waiting"] + second["redriven"]] == letters
    assert (first["next"], second["next"]) == (letters[1], None)


async def test_a_redrive_answers_in_time_and_tells_where_to_go_on(desk: Desk) -> None:
    desk.clock.extend([0.0, 19.9, 20.0])
    letters = await parked(desk.bench, *(opened(uuid4()) for _ in range(3)))

    first = (await desk.ask("POST", "/redrive", {})).json()
    second = (await desk.ask("POST", "/redrive", {"after": first["next"]})).json()

    assert [item["id"] for item in first["redriven"]] == letters[:2]
    assert [item["id"] for item in second["redriven"]] == letters[2:]
    assert (first["next"], second["next"]) == (letters[1], None)


async def test_lists_and_redrives_never_fetch_what_letters_hold_but_one_at_a_time(desk: Desk) -> None:
    letters = await parked(desk.bench, *(opened(uuid4()) for _ in range(3)))

    page = await desk.bench.pool.fetch(storage.listing(Choice()).query, None, None)
    chosen = await storage.following(desk.bench.pool, Choice(), letters[0], 10)

    assert [storage.of_row(row).letter.payload for row in page] == [None] * 3
    assert [letter.id for letter in chosen] == letters[1:]
    assert {type(part) for letter in chosen for part in letter.key} == {str, bytes}


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("0190163d-8694-739b-aea5-966c26f8ad91", "0190163d-8694-739b-aea5-966c26f8ad91"),
        ("ann@example.com", "not an identifier"),
        (None, None),
    ],
)
async def test_the_audit_of_a_list_keeps_an_identifier_and_nothing_else_that_was_typed(
    desk: Desk, asked: str | None, kept: str | None
) -> None:
    await desk.ask("GET", "" if asked is None else f"?key={asked}")

    [listed] = await desk.bench.rows("audit")
    assert (listed["action"], listed["detail"]["key"]) == ("dead_letter.listed", kept)


async def test_an_agent_drops_one_with_a_reason_and_is_audited(desk: Desk) -> None:
    [letter] = await parked(desk.bench, opened(uuid4()))
    assert (await desk.ask("POST", f"/{letter}/drop", {"reason": "sent twice"})).status_code == 204
    assert await desk.bench.size("dead_letters") == 0
    [audited] = await desk.bench.rows("audit")
    assert (audited["actor_kind"], audited["actor_id"]) == ("agent", f"{AGENTS.issuer}#agent-1")
    assert (audited["action"], audited["detail"]["reason"]) == ("dead_letter.dropped", "sent twice")
    check(await desk.ask("POST", f"/{letter}/drop", {"reason": "sent twice"}), "not_found")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/1", None),
        ("POST", "/redrive", {}),
        ("POST", "/1/redrive", None),
        ("POST", "/1/drop", {"reason": "no"}),
    ],
)
async def test_only_agents_are_let_in(desk: Desk, method: str, path: str, body: Any) -> None:
    check(await desk.ask(method, path, body, token="nonsense"), "not_authenticated")
    for token in (desk.issuer.person(uuid4()), desk.issuer.machine("anything")):
        check(await desk.ask(method, path, body, token=token), "wrong_kind_of_caller")
    if path.startswith("/1") and method == "POST":
        check(await desk.ask(method, path, body), "not_found")


texts = st.one_of(st.none(), st.integers(), st.text(max_size=30), st.booleans(), st.lists(st.integers(), max_size=2))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["", "/{}", "/redrive", "/{}/redrive", "/{}/drop", "/{}/x"]),
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    st.one_of(st.integers(-(2**70), 2**70), st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=10)),
    st.dictionaries(st.sampled_from(["reason", "key", "consumer", "after", "x"]), texts, max_size=3),
    st.dictionaries(st.sampled_from(["cursor", "limit", "key", "consumer"]), st.text(max_size=10), max_size=3),
)
async def test_whatever_an_agent_sends_is_answered_or_refused_as_a_problem(
    desk: Desk, path: str, method: str, identity: Any, body: Any, query: dict[str, str]
) -> None:
    headers = {"authorization": f"Bearer {desk.issuer.agent()}"}
    url = httpx.URL(PATH + path.format(str(identity).replace("/", "").replace("?", "").replace("#", "")), params=query)
    response = await desk.http.request(method, url, json=body if method == "POST" else None, headers=headers)
    assert response.status_code in (200, 400, 404, 405, 422)
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json"


async def test_the_operations_port_describes_itself(desk: Desk) -> None:
    document = (await desk.http.get("/operations/openapi.json")).json()
    assert {PATH, f"{PATH}/{{letter_id}}", f"{PATH}/redrive"} <= document["paths"].keys()
    assert not document["paths"][f"{PATH}/redrive"]["post"]["requestBody"].get("required")
    [scheme] = [name for name, one in document["components"]["securitySchemes"].items() if one["scheme"] == "bearer"]
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert [operation["security"] for operation in operations] == [[{scheme: []}]] * len(operations)
    assert (await desk.http.get("/livez")).status_code == 200
