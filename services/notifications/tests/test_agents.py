"""What agents see and do about suppressed addresses, through the real gateway."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import uuid4

import httpx
import pytest
from joserfc.jwk import KeySet

from chassis import gateway
from chassis.gateway import Gateway
from chassis.tokens import Verifier
from services.notifications.bounces import handlers as bounces
from services.notifications.bounces.handlers import TakeReport
from services.notifications.bounces.reports import Complained
from services.notifications.mails import api as deliveries
from services.notifications.mails.domain import LATEST_REPORT, SOONEST_REPORT
from services.notifications.suppressions import api as suppressions
from services.notifications.suppressions.domain import COMPLAINT_RESTS
from services.notifications.tests.rig import SOMEBODY, Rig, code_mail
from tests.fixtures.gateway import AGENTS, BASE, Issuer

NOBODY = "personne@firme.example"


@pytest.fixture
async def client(rig: Rig) -> AsyncIterator[httpx.AsyncClient]:
    issuer, verifier = Issuer(), Verifier(BASE, (AGENTS,), rig.unit.pool)
    verifier.learn(AGENTS.jwks_uri, KeySet([issuer.key]))
    verifier.learn(f"{BASE}/.well-known/jwks.json", KeySet([issuer.key]))
    app = gateway.build("Mandat notifications", "", [deliveries.router, suppressions.router], "fr")
    app.state.gateway = Gateway(rig.unit, verifier, {}, "fr")
    headers = {"Authorization": f"Bearer {issuer.agent()}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://notifications", headers=headers) as client:
        yield client


async def refused(rig: Rig, address: str = NOBODY) -> str:
    """A mail to an address that does not exist has come to its end. Returns its handle."""
    rig.host.unwelcome |= {address}
    rig.send()
    request = await rig.request(code_mail(address=address))
    await rig.reaches(request, "undelivered")
    return request.handle


async def test_an_agent_sees_bounced_and_suppressed_apart_and_the_person_does_not(
    rig: Rig, client: httpx.AsyncClient
) -> None:
    bounced, suppressed = await refused(rig), await refused(rig)
    seen = [(await client.get(f"/v1/deliveries/{handle}")).json() for handle in (bounced, suppressed)]
    assert [(answer["state"], answer["reason"]) for answer in seen] == [
        ("bounced", "5.1.1"),
        ("suppressed", "no_such_address"),
    ]
    del client.headers["Authorization"]
    for status, later in (("sent", SOONEST_REPORT), ("undelivered", LATEST_REPORT)):
        told = [(await client.get(f"/v1/deliveries/{handle}")).json() for handle in (bounced, suppressed)]
        assert [answer["status"] for answer in told] == [status, status]
        assert told[0]["hint"] == told[1]["hint"] and told[0].keys() == {"status", "since", "next_attempt_at", "hint"}
        assert all(answer["since"].endswith(":00Z") for answer in told)
        rig.clock.advance(seconds=later.total_seconds() + LATEST_REPORT.total_seconds())
    assert rig.unit.tools.support in told[0]["hint"]


async def test_an_agents_look_at_a_mail_is_audited_and_a_persons_is_not(rig: Rig, client: httpx.AsyncClient) -> None:
    handle = await refused(rig)
    await client.get(f"/v1/deliveries/{handle}")
    await client.get("/v1/deliveries/of-no-mail")
    del client.headers["Authorization"]
    await client.get(f"/v1/deliveries/{handle}")
    viewed = await rig.unit.pool.fetch("select * from audit where action = 'delivery_viewed'")
    assert [(row["actor_kind"], row["object_id"]) for row in viewed] == [
        ("agent", await rig.unit.pool.fetchval("select delivery_id from mails"))
    ]


async def test_the_list_shows_why_and_since_when_the_newest_first_in_pages(rig: Rig, client: httpx.AsyncClient) -> None:
    for number in range(3):
        await refused(rig, f"personne{number}@firme.example")
        rig.clock.advance(seconds=1)
    first = (await client.get("/v1/suppressions", params={"limit": 2})).json()
    rest = (await client.get("/v1/suppressions", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    rows = [*first["items"], *rest["items"]]
    assert (len(rows), first["total"], rest["next_cursor"]) == (3, 3, None)
    assert [row["since"] for row in rows] == sorted((row["since"] for row in rows), reverse=True)
    assert {(row["reason"], row["status"], row["scope"], row["until"]) for row in rows} == {
        ("no_such_address", "5.1.1", "everything", None)
    }
    wanted = rows[1]["recipient_id"]
    one = (await client.get("/v1/suppressions", params={"recipient_id": wanted})).json()
    assert [row["recipient_id"] for row in one["items"]] == [wanted]


async def test_the_list_shows_what_a_complaint_stops_until_it_ends_by_itself(
    rig: Rig, client: httpx.AsyncClient
) -> None:
    rig.send()
    request = await rig.request(code_mail())
    await rig.reaches(request, "sent")
    report = TakeReport(request.delivery_id, Complained())
    await rig.unit.run(bounces.take_report, report, SOMEBODY)
    [row] = (await client.get("/v1/suppressions")).json()["items"]
    until = rig.clock.now + COMPLAINT_RESTS
    assert (row["reason"], row["scope"]) == ("complaint", "verification_code")
    assert datetime.fromisoformat(row["until"]) == until
    rig.clock.now = until
    assert (await client.get("/v1/suppressions")).json()["items"] == []


async def test_an_address_is_found_by_its_digest_and_nothing_of_it_is_kept(rig: Rig, client: httpx.AsyncClient) -> None:
    await refused(rig)
    found = await client.post("/v1/suppressions/search", json={"address": "Personne@Firme.example"})
    assert found.json()["total"] == 1 and "firme" not in found.text.lower()
    assert (await client.post("/v1/suppressions/search", json={"address": "autre@firme.example"})).json()["total"] == 0
    for row in await rig.unit.pool.fetch("select * from audit"):
        assert "firme" not in str(dict(row)).lower()


async def test_a_released_address_is_written_to_again_and_the_release_is_audited(
    rig: Rig, client: httpx.AsyncClient
) -> None:
    await refused(rig)
    [row] = (await client.get("/v1/suppressions")).json()["items"]
    path = f"/v1/suppressions/{row['suppression_id']}"
    assert (await client.delete(path)).status_code == 422
    assert (await client.delete(path, params={"reason": "because"})).status_code == 422
    assert (await client.delete(path, params={"reason": "mailbox_repaired"})).status_code == 204
    assert (await client.get("/v1/suppressions")).json()["items"] == []
    rig.host.unwelcome.clear()
    request = await rig.request(code_mail(address=NOBODY))
    await rig.reaches(request, "sent")
    noted = await rig.unit.pool.fetchrow("select * from audit where action = 'address_released'")
    assert noted is not None and noted["actor_kind"] == "agent" and noted["detail"]["reason"] == "mailbox_repaired"
    assert (await client.delete(path, params={"reason": "mistake"})).status_code == 404


async def test_what_failed_before_a_release_no_longer_counts(rig: Rig, client: httpx.AsyncClient) -> None:
    rig.host.answers = lambda _: "552 5.2.2 full"
    rig.send()
    for _ in range(5):
        request = await rig.request(code_mail(address=NOBODY, issued_at=rig.clock.now))
        await rig.reaches(request, "undelivered")
        rig.clock.advance(days=1)
    [row] = (await client.get("/v1/suppressions")).json()["items"]
    assert row["reason"] == "repeated_failures"
    await client.delete(f"/v1/suppressions/{row['suppression_id']}", params={"reason": "address_confirmed"})
    rig.clock.advance(seconds=1)
    request = await rig.request(code_mail(address=NOBODY, issued_at=rig.clock.now))
    await rig.reaches(request, "undelivered")
    assert (await client.get("/v1/suppressions")).json()["items"] == []


async def test_nobody_but_an_agent_sees_or_changes_the_list(rig: Rig, client: httpx.AsyncClient) -> None:
    person = await client.get("/v1/suppressions", headers={"Authorization": "Bearer nonsense"})
    assert person.status_code == 401
    del client.headers["Authorization"]
    path = f"/v1/suppressions/{uuid4()}"
    answers = [
        await client.get("/v1/suppressions"),
        await client.post("/v1/suppressions/search", json={"address": NOBODY}),
        await client.delete(path, params={"reason": "mistake"}),
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
