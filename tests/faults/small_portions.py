"""The service authorizations, whose work of many transactions has so many that a process dies between two of them.

`python -m tests.faults.small_portions api`. What one transaction does is the platform's own; how much of it is not.
"""

import runpy

from services.authorizations.attachments import chores as attachments
from services.authorizations.deciding import chores as requests
from services.authorizations.imports import handlers
from services.authorizations.mailing import chores as mails
from services.authorizations.notices import chores

handlers.PORTION = 6
"""Rows of an import."""

chores.PORTION = 1
"""Organizations of a round of digests."""

chores.LOOK_EVERY = mails.LOOK_EVERY = 0.5
"""Seconds between two looks whether a day has begun, or is over: in a run, days begin by the minute (ground.py)."""

requests.LAPSE_EVERY = attachments.FORGET_EVERY = 0.5
"""Seconds between two looks for what has lapsed or outlived its use: the harness lets time pass for single things."""

if __name__ == "__main__":
    runpy.run_module("services.authorizations", run_name="__main__", alter_sys=True)
