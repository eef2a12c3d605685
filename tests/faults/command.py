"""./mandat faults: a long run, repeated from its seed."""

import random

from contracts.agency import load
from tests.faults.offers import AGENCIES, agencies
from tests.faults.run import FOLDER, Run, play
from tests.faults.schedule import LONG_WAYS, ways_of


def main(minutes: float, seed: int | None, agency: str | None = None) -> int:
    """Prints schedule and report. Returns 1 when any promise was broken.

    Without a seed it draws one and names it; without an agency it takes one after another, by the seed.
    """
    chosen = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    agency = agency or agencies()[chosen % len(agencies())]
    ways = ways_of(load(AGENCIES / agency).features, LONG_WAYS)
    run = Run(chosen, minutes * 60, agency, size=6, code_minutes=1, settling=300.0, ways=ways)
    outcome = play(run, say=lambda line: print(line, flush=True))
    print("\n".join(outcome.lines()))
    if not outcome.report.clean:
        print(f"Broken promises: {len(outcome.report.findings)}. The evidence is in {FOLDER}.")
        print(f"./mandat faults --minutes {minutes:g} --seed {chosen} --agency {agency} repeats this schedule.")
    return 0 if outcome.report.clean else 1
