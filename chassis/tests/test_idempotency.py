"""Promises about Idempotency-Key: a request that is sent again has no second effect."""

import asyncio
from uuid import uuid4

from chassis.tests.visiting import Library, check


async def book_ids(library: Library) -> set[str]:
    return {str(row["id"]) for row in await library.bench.rows("counters")}


async def test_the_same_key_and_body_give_the_same_resource_and_no_second_effect(library: Library) -> None:
    answers = [await library.post(idempotency_key="k-1") for _ in range(3)]

    assert {answer.json()["book_id"] for answer in answers} == await book_ids(library)
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert await library.bench.size("outbox") == await library.bench.size("audit") == 1


async def test_the_same_key_with_another_body_is_refused(library: Library) -> None:
    await library.post(idempotency_key="k-1")

    await library.refused("idempotency_key_reused", {"title": "Émilie de la Nouvelle Lune"}, idempotency_key="k-1")
    assert len(await book_ids(library)) == 1


async def test_a_key_is_its_callers_own_and_its_routes_own(library: Library) -> None:
    await library.post(idempotency_key="k-1")
    await library.post(idempotency_key="k-1", token=library.issuer.person(uuid4()))
    await library.post(idempotency_key="k-1", path="/v1/shelves/1/books")
    await library.post(idempotency_key="k-1", path="/v1/shelves/2/books")

    assert len(await book_ids(library)) == 4


async def test_requests_with_one_key_at_the_same_time_have_one_effect(library: Library) -> None:
    answers = await asyncio.gather(*[library.post({"title": "slow"}, idempotency_key="k-1") for _ in range(8)])

    assert {answer.status_code for answer in answers} <= {201, 409}
    for answer in answers:
        if answer.status_code == 409:
            check(answer, "idempotency_in_progress")
            assert answer.headers["retry-after"] == "1"
    assert {answer.json()["book_id"] for answer in answers if answer.status_code == 201} == await book_ids(library)
    assert len(await book_ids(library)) == 1


async def test_a_refused_or_failed_request_may_be_sent_again_with_its_key(library: Library) -> None:
    check(await library.post({"title": "banned"}, idempotency_key="k-1"), "not_permitted")
    check(await library.post({"title": "banned"}, idempotency_key="k-1"), "not_permitted")
    check(await library.post({"title": "crash"}, idempotency_key="k-1"), "internal_error")

    assert (await library.post(idempotency_key="k-1")).status_code == 201


async def test_a_key_has_bounds_and_only_printable_ascii(library: Library) -> None:
    for key in ("", "k" * 201, "k\0", "k\x07", "k\x7f", "k\xe9"):
        response = await library.refused("invalid_request", idempotency_key=key)
        assert response.json()["fields"] == ["Idempotency-Key"]


async def test_a_request_that_is_sent_again_is_answered_with_the_mandat_after_of_the_first(library: Library) -> None:
    answers = [await library.post(idempotency_key="k-1") for _ in range(2)]

    assert answers[0].headers["mandat-after"] == answers[1].headers["mandat-after"]
