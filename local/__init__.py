"""The embedded stack: a real Kafka, a real PostgreSQL, a mail inbox, an issuer for demo agents, and the
services.

Read `stack.py` first: it says what is started, in which order, and what each service is told. `kafka.py`
and `postgres.py` run the two servers, `outside.py` what lies outside the platform, `processes.py` starts
and stops all of them. For demonstrations and tests on one machine; deploy/ is for everything else.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The repository."""

STATE = ROOT / ".mandat"
"""Everything that the launcher and the embedded stack make lives below this folder; git ignores it."""


class Problem(Exception):
    """Something that the person at the terminal can act on.

    Its message is the sentence to show, without a traceback.
    """
