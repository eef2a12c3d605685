"""What operators see of what waits for somebody, and of how it ended."""

from prometheus_client import REGISTRY

from services.authorizations import figures
from services.authorizations.tests.mandating import practices
from tests.fixtures.gateway import OpenService

WAITING = {"kind": "mandate", "reason": "", "decider": "agents", "state": "submitted"}
APPROVED = {"kind": "mandate", "end": "approve", "actor": "agent"}


async def test_operators_see_what_waits_for_a_decision_since_when_and_how_it_ended(open_service: OpenService) -> None:
    world = await practices(open_service)
    approved = REGISTRY.get_sample_value("mandat_decisions_total", APPROVED) or 0
    first, _ = await world.complete_one(), await world.complete_one()
    await world.opened.unit.pool.execute(
        "update requests set received_at = received_at - interval '2 days' where request_id = $1", first
    )

    await figures.look(world.opened.unit)
    assert REGISTRY.get_sample_value("mandat_undecided", WAITING) == 2
    assert 172_800 < (REGISTRY.get_sample_value("mandat_undecided_oldest_seconds", WAITING) or 0) < 176_400

    assert (await world.decide(first)).status_code == 200
    await figures.look(world.opened.unit)
    assert REGISTRY.get_sample_value("mandat_undecided", WAITING) == 1
    assert (REGISTRY.get_sample_value("mandat_undecided_oldest_seconds", WAITING) or 0) < 3_600
    assert REGISTRY.get_sample_value("mandat_decisions_total", APPROVED) == approved + 1
