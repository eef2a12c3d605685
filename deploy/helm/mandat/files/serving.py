"""`helm test`: asks every process of the release whether it is ready, and accounts for its public keys.

Arguments: the names of the services' Services. Exit status 1 when one is not as it should be.
"""

import json
import socket
import sys
import time
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import urlopen

PATIENCE = 10  # seconds for each answer
WITHIN = 60  # seconds until all are ready: where one process does both, its consumers join after its gateway is


def processes(name: str) -> Iterator[str]:
    """The base address of the operations port of each process behind a service."""
    found = socket.getaddrinfo(f"{name}-operations", 8081, type=socket.SOCK_STREAM)
    for host in sorted({str(address[0]) for *_, address in found}):
        yield f"http://[{host}]:8081" if ":" in host else f"http://{host}:8081"


def answer(address: str) -> tuple[bool, str]:
    """Whether it answers 200, and what it says."""
    try:
        with urlopen(address, timeout=PATIENCE) as response:  # noqa: S310 (an address of this release)
            return True, response.read().decode()
    except HTTPError as error:
        return False, error.read().decode()
    except OSError as error:
        return False, str(error)


def answer_in_time(address: str, until: float) -> tuple[bool, str]:
    """The same, asked again until it is 200 or the time is over."""
    while True:
        good, said = answer(address)
        if good or time.monotonic() > until:
            return good, said
        time.sleep(1)


def main(names: list[str]) -> int:
    """Says of each what it answered."""
    well, until = True, time.monotonic() + WITHIN
    for name in names:
        for base in processes(name):
            good, said = answer_in_time(f"{base}/readyz", until)
            print(f"{name} {base}: {said}")
            well &= good
    accounts = next(name for name in names if name.endswith("-accounts"))
    good, said = answer(f"http://{accounts}/.well-known/jwks.json")
    keys = len(json.loads(said)["keys"]) if good else 0
    print(f"{accounts}: {keys} public keys")
    return 0 if well and keys else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
