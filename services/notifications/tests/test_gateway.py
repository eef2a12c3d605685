"""GET /v1/deliveries/{handle}, through the real gateway."""

from collections.abc import AsyncIterator

import httpx
import pytest

from chassis import gateway
from chassis.gateway import Gateway
from chassis.tokens import Verifier
from contracts.agency.typography import faults
from contracts.problems import words
from services.notifications.mails import api
from services.notifications.tests.rig import START, Rig, code_mail


@pytest.fixture
async def http(rig: Rig) -> AsyncIterator[httpx.AsyncClient]:
    app = gateway.build("Mandat notifications", "", [api.router], "fr")
    app.state.gateway = Gateway(rig.unit, Verifier("http://issuer.example", (), rig.unit.pool), {}, "fr")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://notifications") as client:
        yield client


async def test_the_person_learns_where_the_mail_is_in_their_language(rig: Rig, http: httpx.AsyncClient) -> None:
    rig.send()
    request = await rig.request(code_mail())
    await rig.reaches(request, "sent")
    english = await http.get(f"/v1/deliveries/{request.handle}", headers={"Accept-Language": "en-CA"})
    assert english.status_code == 200
    assert english.json() == {
        "status": "sent",
        "since": START.isoformat().replace("+00:00", "Z"),
        "next_attempt_at": None,
        "hint": words()["delivery_sent"].en,
    }
    french = await http.get(f"/v1/deliveries/{request.handle}")
    assert french.json()["hint"] == words()["delivery_sent"].fr


@pytest.mark.parametrize("handle", ["%FF", "%00", "%ED%A0%80", "%F0%9F%98%80", "a%0D%0Ab", "%25", "x" * 128])
async def test_a_handle_of_odd_bytes_is_answered_like_any_that_nobody_drew(
    http: httpx.AsyncClient, handle: str
) -> None:
    answer = await http.get(f"/v1/deliveries/{handle}")
    assert (answer.status_code, answer.json()["status"], answer.json()["since"]) == (200, "accepted", None)


async def test_a_stranger_cannot_tell_an_unknown_handle_from_a_mail_that_waits(
    rig: Rig, http: httpx.AsyncClient
) -> None:
    request = await rig.request(code_mail())
    known = await http.get(f"/v1/deliveries/{request.handle}")
    unknown = await http.get("/v1/deliveries/nobody-was-ever-given-this")
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert known.headers == unknown.headers


async def test_a_handle_longer_than_any_of_ours_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/deliveries/" + "x" * 129)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_request"


@pytest.mark.parametrize("name", [name for name in words() if name.startswith("delivery_")])
def test_every_hint_follows_the_typography_of_its_language(name: str) -> None:
    assert not faults(words()[name].fr, "fr")
    assert not faults(words()[name].en, "en")
