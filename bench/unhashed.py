"""The service accounts as it is, but for a password hash that costs next to nothing: for figures without the hash.

`python -m bench.unhashed ROLE`. Argon2id takes some 30 ms of a core per registration, as any rival's hash does: what
a figure says of the way of a mail, it says without it.
"""

import sys

from chassis.service import main
from local import ROOT
from services.accounts import hashing
from services.accounts.app import service

if __name__ == "__main__":
    hashing.MEMORY, hashing.PASSES = 8, 1  # the least that Argon2 takes
    sys.exit(main(service, sys.argv[1], ROOT / "services" / "accounts" / "migrations"))
