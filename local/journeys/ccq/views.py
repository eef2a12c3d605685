"""The same facts as others see them: another system that asks the check, a subscriber of every topic."""

import json

from contracts.topics import Kind
from local.journeys import trail
from local.journeys.asking import evaluate
from local.journeys.ccq.stage import NOT_DELEGABLE, Journey
from local.journeys.portal import Someone

LEFT = {
    "VerificationRequested", "AccountOpened", "ContactAdded", "LinkingCodeIssued", "ProfileLinked", "RelationAdded",
    "RelationEnded",
}  # fmt: skip
"""By the steps before, of the new member."""


async def check(journey: Journey, member: Someone) -> None:
    """The AuthZEN check: yes, and three readable noes."""
    told = journey.told
    told.step("L’accès, vu par un autre système", "A system of the agency asks the AuthZEN evaluation before it acts.")
    machine = await journey.portal.machine()
    answer = await evaluate(journey.portal, machine, member, "monthly_report", journey.client_id)
    told.holds(answer["decision"], "Rapport mensuel, write: yes")
    for subject, name in NOT_DELEGABLE.items():
        answer = await evaluate(journey.portal, machine, member, subject, journey.client_id)
        told.shows(answer["context"]["reason"]["fr"])
        told.holds(not answer["decision"], f"{name}: no, with the reason in both languages")


async def tell_the_trail(journey: Journey, who: Someone, member: Someone) -> None:
    """One person's events, from topic to topic."""
    told = journey.told
    told.step(
        "La piste d’une personne",
        "Every event about the new member, on every topic, in the order in which it was written; ids cut short.",
    )
    events: list[trail.Seen] = []
    found: list[trail.Seen] = []

    async def complete() -> bool:
        events[:] = await trail.everything(journey.portal.platform.kafka_clients)
        found[:] = trail.about(events, {member.account_id, member.profile, *member.registrations})
        return {event.name for event in found} >= LEFT

    await journey.portal.until(complete, "the event of each step")
    for event in found:
        told.shows(
            f"{event.time:%H:%M:%S.%f}"[:12]
            + f"  {event.topic.name:<29}{event.name:<24}{event.topic.key} …{event.key[-6:]}"
        )
    told.holds(True, "each step left its event")
    told.holds(
        not any(
            private in json.dumps(event.data, ensure_ascii=False)
            for event in events
            if event.topic.kind is Kind.PUBLIC
            for private in (member.email, member.family_name, who.email)
        ),
        "no public event names a person",
    )
