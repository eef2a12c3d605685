"""Whatever arrives at a gateway, the caller gets a problem with a code, in words it reads, and nothing of ours."""

import base64
import hmac
import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import structlog
from joserfc import jwt
from joserfc.jwk import ECKey
from prometheus_client import REGISTRY, generate_latest

from chassis import gateway
from chassis.gate import LARGEST_BODY
from chassis.gateway import Gateway
from chassis.tests.conftest import Bench
from chassis.tests.library import books
from chassis.tests.visiting import ACCOUNT, ANNE, Library, check, encoded
from chassis.tokens import Verifier, revoke
from tests.fixtures.gateway import AGENTS, BASE, Issuer


@pytest.mark.parametrize("name", ["J.-P. L’Écuyer", "J.P. Roy", "St. John", "Ng (née O'Neil), B.A.", "李 小龍"])
async def test_names_that_people_have_are_taken(library: Library, name: str) -> None:
    assert (await library.post({"title": name})).status_code == 201


async def test_a_good_request_is_answered_and_names_what_it_wrote(library: Library) -> None:
    response = await library.post()

    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    assert await library.bench.size("audit") == 1
    assert re.fullmatch(r"[A-Za-z0-9_-]+", response.headers["mandat-after"])


SENT = "s3cret-value-of-the-caller"
FIELDS: list[tuple[Any, str, str]] = [
    ({}, "#/title", "field_missing"),
    ({"title": ""}, "#/title", "field_too_short"),
    ({"title": "   "}, "#/title", "field_too_short"),
    ({"title": SENT * 10}, "#/title", "field_too_long"),
    ({"title": f"{SENT}\n"[:20] + "\x07" + SENT}, "#/title", "field_wrong_form"),
    ({"title": SENT + "\u202e"}, "#/title", "field_wrong_form"),
    ({"title": SENT + "\u2028" + SENT}, "#/title", "field_wrong_form"),
    ({"title": f"{SENT} : https://evil.example/ccq"}, "#/title", "field_not_name"),
    ({"title": f"{SENT} //evil"}, "#/title", "field_not_name"),
    ({"title": f"WWW.{SENT}"}, "#/title", "field_not_name"),
    ({"title": f"{SENT}@evil"}, "#/title", "field_not_name"),
    ({"title": f"{SENT}.example"}, "#/title", "field_not_name"),
    ({"title": f"{SENT} \uff0f\uff0fevil"}, "#/title", "field_not_name"),
    ({"title": f"{SENT}\uff20evil"}, "#/title", "field_not_name"),
    ({"title": f"{SENT}\uff0eexample"}, "#/title", "field_not_name"),
    ({"title": f"\uff57\uff57\uff57.{SENT}"}, "#/title", "field_not_name"),
    ({"title": f"{SENT}\u3002example"}, "#/title", "field_not_name"),
    ({"title": f"{SENT}\u200f"}, "#/title", "field_wrong_form"),
    ({"title": [SENT]}, "#/title", "field_not_text"),
    ({"title": "\ud800"}, "#/title", "field_not_text"),
    ({**ANNE, "titel": SENT}, "#/titel", "field_unknown"),
    ({**ANNE, "a/b~c": SENT}, "#/a~1b~0c", "field_unknown"),
    ({**ANNE, "x" * 500: SENT}, "#/" + "x" * 80, "field_unknown"),
    ({**ANNE, "email": SENT}, "#/email", "field_not_email"),
    ({**ANNE, "secret": SENT * 100}, "#/secret", "field_too_long"),
    ({**ANNE, "pages": SENT}, "#/pages", "field_not_number"),
    ({**ANNE, "pages": 1.5}, "#/pages", "field_not_number"),
    ({**ANNE, "pages": 0}, "#/pages", "field_not_number"),
    ({**ANNE, "pages": 10**30}, "#/pages", "field_not_number"),
    ({**ANNE, "pages": None}, "#/pages", "field_not_number"),
    ({**ANNE, "read_at": SENT}, "#/read_at", "field_not_instant"),
    ({**ANNE, "read_at": "2026-12-01T12:00:00"}, "#/read_at", "field_not_instant"),
    ({**ANNE, "authors": SENT}, "#/authors", "field_not_list"),
    ({**ANNE, "authors": ["a", "b", "c"]}, "#/authors", "field_too_many"),
    ({**ANNE, "authors": ["a", {SENT: 1}]}, "#/authors/1", "field_not_text"),
    ([SENT], "#", "field_not_object"),
    (SENT, "#", "field_not_object"),
    (None, "#", "field_not_object"),
]


async def test_each_fault_of_a_field_is_named_in_both_languages_and_nothing_sent_is_repeated(library: Library) -> None:
    for body, pointer, code in FIELDS:
        content = json.dumps(body).encode()
        details = set()
        for language in ("fr", "en"):
            response = await library.post(content, accept_language=language)
            check(response, "invalid_request", language)
            errors = response.json()["errors"]
            assert [(error["pointer"], error["code"]) for error in errors] == [(pointer, code)], body
            assert SENT not in response.text
            details.add(errors[0]["detail"])
        assert len(details) == 2, body


async def test_a_body_of_ten_thousand_faults_names_fifty(library: Library) -> None:
    response = await library.post({str(number): 1 for number in range(6000)})

    check(response, "invalid_request")
    assert len(response.json()["errors"]) == 50


async def test_a_number_in_the_path_that_is_none_is_named(library: Library) -> None:
    response = await library.refused("invalid_request", path=f"/v1/shelves/{SENT}/books")

    assert [error["pointer"] for error in response.json()["errors"]] == ["path:shelf"]
    assert SENT not in response.text


async def test_a_body_over_the_limit_is_refused_with_and_without_its_length(library: Library) -> None:
    largest = b'{"title": "a"' + b" " * (LARGEST_BODY - 14) + b"}"
    assert (await library.post(largest)).status_code == 201
    await library.refused("body_too_large", largest + b" ")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1024

    response = await library.http.post(
        "/v1/books",
        content=chunks(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {library.issuer.person(ACCOUNT)}"},
    )
    check(response, "body_too_large")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"])
async def test_a_body_of_another_content_type_is_refused(library: Library, kind: str) -> None:
    await library.refused("unsupported_content_type", b'{"title": "a"}', content_type=kind)


async def test_a_body_that_is_no_json_is_refused(library: Library) -> None:
    for body in (b"{", b"title=a", b'{"title": "a"', b"\xff\xfe", b'{"title": "\xff"}', b"[" * 60_000, b"{'title': 1}"):
        await library.refused("malformed_json", body)


async def test_an_empty_body_is_a_missing_one(library: Library) -> None:
    response = await library.refused("invalid_request", b"")

    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [("#", "field_missing")]


async def test_a_broken_token_is_refused_whatever_is_broken_about_it(library: Library) -> None:
    issuer, now = library.issuer, int(time.time())
    claims = {"iss": f"{BASE}/people", "aud": "mandat", "sub": str(ACCOUNT), "sid": str(uuid4()), "epoch": 0}
    claims |= {"auth_time": now, "iat": now, "exp": now + 7200}
    good = issuer.sign(claims)
    head, body, signature = good.split(".")
    signed = f"{encoded({'alg': 'HS256', 'kid': 'test'})}.{body}"
    forged = base64.urlsafe_b64encode(hmac.digest(issuer.key.as_pem(private=False), signed.encode(), "sha256"))
    stranger = ECKey.generate_key("P-256", {"kid": "test"})
    assert (await library.post(token=good)).status_code == 201

    broken = {
        "no token": "",
        "no JWT": "x",
        "not ASCII": "é.é.é",
        "cut": good[:-4],
        "without a signature": f"{head}.{body}.",
        "another's payload": f"{head}.{encoded(claims | {'sub': str(uuid4())})}.{signature}",
        "alg none": f"{encoded({'alg': 'none'})}.{body}.",
        "HS256 with the public key": f"{signed}.{forged.decode().rstrip('=')}",
        "another's key": jwt.encode({"alg": "ES256", "kid": "test", "typ": "at+jwt"}, claims, stranger),
        "no access token": jwt.encode({"alg": "ES256", "kid": "test"}, claims, issuer.key),
        "a key nobody knows": jwt.encode({"alg": "ES256", "kid": "other", "typ": "at+jwt"}, claims, stranger),
        "no header": f"{encoded([])}.{body}.{signature}",
        "nested without end": f"{base64.urlsafe_b64encode(b'[' * 9000).decode()}.{body}.{signature}",
        "a payload nested without end": f"{head}.{base64.urlsafe_b64encode(b'[' * 9000).decode()}.{signature}",
        "expired": issuer.sign(claims | {"exp": now - 10}),
        "not yet valid": issuer.sign(claims | {"nbf": now + 3600}),
        "a foreign issuer": issuer.sign(claims | {"iss": "http://elsewhere.test"}),
        "an issuer that is no text": issuer.sign(claims | {"iss": [f"{BASE}/people"]}),
        "a foreign audience": issuer.sign(claims | {"aud": "other"}),
        "no expiry": jwt.encode(
            {"alg": "ES256", "kid": "test", "typ": "at+jwt"},
            {k: v for k, v in claims.items() if k != "exp"},
            issuer.key,
        ),
        "a subject that is no account": issuer.sign(claims | {"sub": "anne"}),
        "a subject that is no text": issuer.sign(claims | {"sub": 7}),
        "no session": issuer.sign(claims | {"sid": None}),
        "an agent without a name": issuer.sign({"iss": AGENTS.issuer, "sub": "agent-1"}),
    }
    for name, token in broken.items():
        response = await library.post(authorization=f"Bearer {token}")
        assert response.status_code == 401, name
        check(response, "not_authenticated")
        assert response.headers["www-authenticate"] == "Bearer"
    for header in ("", "Bearer", "Basic eDp5", good):
        check(await library.post(authorization=header), "not_authenticated")


async def test_a_revoked_session_is_refused_at_the_next_call_and_others_are_not(library: Library) -> None:
    session = uuid4()
    token, other = library.issuer.person(ACCOUNT, session), library.issuer.person(ACCOUNT)

    async with library.bench.pool.acquire() as connection:
        await revoke(connection, ACCOUNT, session, epoch=0)
    await library.refused("not_authenticated", token=token)
    assert (await library.post(token=other)).status_code == 201

    async with library.bench.pool.acquire() as connection:
        await revoke(connection, ACCOUNT, None, epoch=2)
        await revoke(connection, ACCOUNT, None, epoch=1)  # arrives late
    await library.refused("not_authenticated", token=library.issuer.person(ACCOUNT, epoch=1))
    assert (await library.post(token=library.issuer.person(ACCOUNT, epoch=2))).status_code == 201
    assert (await library.post(token=library.issuer.person(uuid4()))).status_code == 201


async def test_a_person_who_has_yet_to_accept_the_terms_is_told_so(library: Library) -> None:
    limited = library.issuer.person(ACCOUNT, aud="mandat.accounts")
    await library.refused("terms_not_accepted", token=limited)


async def test_a_caller_of_the_wrong_kind_is_refused(library: Library) -> None:
    for token in (library.issuer.agent(), library.issuer.machine("access:check")):
        await library.refused("wrong_kind_of_caller", token=token)
    response = await library.http.get("/v1/desk", headers={"Authorization": f"Bearer {library.issuer.person(ACCOUNT)}"})
    check(response, "wrong_kind_of_caller")

    entries = [(row["actor_kind"], row["actor_id"], row["action"], row["detail"]["attempted"], row["detail"]["code"])
               for row in await library.bench.rows("audit")]  # fmt: skip
    assert entries == [
        ("agent", "https://agents.test#agent-1", "refused", "POST /v1/books", "wrong_kind_of_caller"),
        ("machine", "test-system", "refused", "POST /v1/books", "wrong_kind_of_caller"),
        ("account", str(ACCOUNT), "refused", "GET /v1/desk", "wrong_kind_of_caller"),
    ]


async def test_what_a_use_case_refused_and_a_form_that_cannot_be_read_are_not_noted_at_the_door(
    library: Library,
) -> None:
    await library.refused("not_permitted", json.dumps(ANNE | {"title": "banned"}).encode())
    await library.refused("invalid_request", b"{}")
    await library.refused("not_authenticated", token="x")

    assert [row["detail"]["attempted"] for row in await library.bench.rows("audit")] == ["add"] * 2  # in both languages


async def test_an_issuer_whose_keys_are_not_here_yet_is_no_fault_of_the_caller(bench: Bench) -> None:
    app = gateway.build("Library", "Books", [books], "fr")
    app.state.gateway = Gateway(bench.unit, Verifier(BASE, (AGENTS,), bench.pool), {}, "fr")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://library.test") as http:
        response = await Library(http, bench, Issuer(), app.state.gateway).post()

    check(response, "unavailable")
    assert response.headers["retry-after"] == "1"


async def test_an_address_or_a_method_that_does_not_exist_is_a_problem_too(library: Library) -> None:
    check(await library.http.get("/nothing/here"), "not_found")
    check(await library.http.get("/v1/desk/"), "not_found")
    check(await library.http.get("/openapi.json"), "not_found")
    response = await library.http.delete("/v1/books", headers={"Accept-Language": "en"})
    check(response, "method_not_allowed", "en")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("title", ["crash", "typo"])
async def test_a_fault_of_ours_gives_a_reference_which_the_log_has_and_nobody_s_data(
    library: Library, title: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await library.post({"title": title}, accept_language="en")

    check(response, "internal_error", "en")
    [reference] = re.findall(r"[0-9a-f-]{36}", response.json()["detail"])
    assert UUID(reference)
    [line] = [line for line in logs if line["log_level"] == "error"]
    assert (line["reference"], line["method"], line["route"]) == (reference, "POST", "/v1/books")
    assert "person@example.com" not in response.text
    assert await library.bench.size("counters") == 0


async def test_a_database_that_is_away_is_said_to_be_so(library: Library, bench: Bench) -> None:
    await bench.pool.close()

    response = await library.refused("unavailable")

    assert response.headers["retry-after"] == "2"


async def test_a_refusal_names_no_event_that_was_not_written_and_its_transaction_stands(library: Library) -> None:
    response = await library.post({"title": "banned"})

    check(response, "not_permitted")
    assert "mandat-after" not in response.headers
    assert await library.bench.size("counters") == 1


async def test_requests_are_counted_by_route_and_never_by_what_a_caller_invents(library: Library) -> None:
    await library.http.request("INVENTED", "/v1/books")
    await library.http.get(f"/{SENT}")
    await library.http.get(f"/v1/books/{uuid4()}")

    shown = generate_latest().decode()
    assert "INVENTED" not in shown
    assert SENT not in shown
    assert 'route="/v1/books/{book_id}"' in shown


def _counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_request_is_counted_by_its_exact_status_and_timed_by_its_class(library: Library) -> None:
    by_book = {"method": "GET", "route": "/v1/books/{book_id}"}
    seen = [
        ("mandat_requests_total", by_book | {"code": "401"}),
        ("mandat_request_seconds_count", by_book | {"status": "4xx"}),
        ("mandat_requests_total", {"method": "other", "route": "none", "code": "404"}),
        ("mandat_request_seconds_count", {"method": "other", "route": "none", "status": "4xx"}),
    ]
    before = [_counted(name, **labels) for name, labels in seen]

    await library.http.get(f"/v1/books/{uuid4()}")
    await library.http.request("INVENTED", f"/{uuid4()}")

    assert [_counted(name, **labels) for name, labels in seen] == [number + 1 for number in before]
