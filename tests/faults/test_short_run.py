"""The promise of the platform, kept while it is broken: a short run of the harness."""

import os
from collections.abc import Mapping

import pytest

from contracts.agency import load
from contracts.notifications import Feature
from local import ROOT
from tests.faults.history import Kind
from tests.faults.offers import AGENCIES, agencies
from tests.faults.run import FOLDER, Outcome, Run, play
from tests.faults.schedule import DENSE, EVERY_WAY, plan, ways_of

CODE = sum(file.stat().st_size for file in (ROOT / "services").rglob("*.py"))
PLAYED = [agency for agency in agencies() if "mandates" not in load(AGENCIES / agency).features]
AGENCY = os.environ.get("MANDAT_TEST_AGENCY") or PLAYED[CODE % len(PLAYED)]
"""The agency whose stack is broken: one of them, and with other code perhaps another one, so that the same code is
always judged by the same run. A run of each would not fit into the minutes of ./mandat test; mandates are under load in
./mandat faults."""

FEATURES = load(AGENCIES / AGENCY).features

WAYS = tuple(way for way in ways_of(FEATURES, EVERY_WAY) if (way.target, way.how) != ("kafka", "stop"))
"""One start of Kafka costs four seconds of a processor; kill -9 is the harder way."""

WANTED: Mapping[Feature | None, frozenset[Kind]] = {
    None: frozenset({Kind.EXTRACT, Kind.IMPORT, Kind.DECIDE}),
    "linking_coordinates": frozenset(
        {
            Kind.LINK, Kind.ADD_CONTACT, Kind.UPLOAD, Kind.CORRECT, Kind.DELEGATE, Kind.PROPOSE, Kind.LAPSE,
            Kind.OUTLIVE, Kind.VERIFY_ADDRESS, Kind.CHOOSE_PASSWORD,
        }
    ),
    "former_credential": frozenset({Kind.REDEEM_FORMER}),
    "organization_code": frozenset({Kind.CLAIM, Kind.PRINT, Kind.RENEW, Kind.BLOCK, Kind.CHECK}),
    "invitations": frozenset({Kind.INVITE}),
}  # fmt: skip
"""By what an agency's data offer: what has an asynchronous path of its own and does not depend on much luck."""

SEEDS: Mapping[Feature, int] = {"linking_coordinates": 191592, "organization_code": 2361}
"""With them nothing waits long: the mail host drops mails while many are under way, and long before PostgreSQL is away,
after which leases are left alone for ten seconds; Kafka goes late, and workers are killed while their outboxes hold
rows."""

SHORT = Run(
    next(seed for feature, seed in SEEDS.items() if feature in FEATURES),
    22.0,
    AGENCY,
    ways=WAYS,
    between=DENSE,
    at_most=900.0,
    wanted=frozenset().union(*(kinds for feature, kinds in WANTED.items() if feature in {None, *FEATURES})),
)
"""What such a run takes stands in docs/architecture/faults.md; the limit is there to end what hangs."""


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    """One run for all promises."""
    return play(SHORT, FOLDER / "short")


def test_the_short_run_is_to_break_everything_once() -> None:
    planned = plan(SHORT.seed, SHORT.seconds, SHORT.ways, SHORT.between)
    assert {(fault.target, fault.how) for fault in planned} == {(way.target, way.how) for way in WAYS}


def test_everything_was_broken_in_every_way(outcome: Outcome) -> None:
    done = {(fault.target, fault.how) for fault in outcome.damage.carried_out}
    assert done == {(way.target, way.how) for way in WAYS}, "\n".join(outcome.lines())


def test_nothing_is_lost_nothing_comes_twice_and_nothing_out_of_order_while_everything_is_broken(
    outcome: Outcome,
) -> None:
    assert outcome.report.clean, "\n".join(outcome.lines())
    assert outcome.report.counted["commands accepted"] > 50
    assert outcome.report.counted["records that the harness sent again"] > 100
    assert outcome.report.counted["second copies of a mail whose host took the first and never said so"] > 0


def test_every_kind_of_work_was_asked_for(outcome: Outcome) -> None:
    assert outcome.history.accepted_kinds() >= SHORT.wanted
