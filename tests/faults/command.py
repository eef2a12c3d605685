"""./mandat faults: a long run, repeated from its seed."""

import random

from tests.faults.run import FOLDER, Run, play
from tests.faults.schedule import LONG_WAYS


def main(minutes: float, seed: int | None) -> int:
    """Prints schedule and report. Returns 1 when any promise was broken. Without a seed it draws one and names it."""
    chosen = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    run = Run(seed=chosen, seconds=minutes * 60, firms=6, code_minutes=1, settling=300.0, ways=LONG_WAYS)
    outcome = play(run, say=lambda line: print(line, flush=True))
    print("\n".join(outcome.lines()))
    if not outcome.report.clean:
        print(f"Broken promises: {len(outcome.report.findings)}. The evidence is in {FOLDER}.")
        print(f"./mandat faults --minutes {minutes:g} --seed {chosen} repeats this schedule.")
    return 0 if outcome.report.clean else 1
