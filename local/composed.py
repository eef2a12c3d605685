"""What compose.yaml needs besides the services and public images: secrets before they start, mails once they run.

`python -m local.composed secrets` makes what is missing in /secrets (the services' keys, and the public ones of all)
and in /passwords (of the databases). `python -m local.composed coordinates` sends the demo people their linking
coordinates.
"""

import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from local import Problem
from local.keyrings import Keyrings
from local.ports import SERVICES

GATEWAY_PORT, ISSUER_PORT = 8080, 8026


class Composed:
    """The platform, as one of its containers reaches it."""

    @property
    def agency_folder(self) -> Path:
        return Path(os.environ["MANDAT_AGENCY"])

    @property
    def demo_issuer(self) -> str:
        return f"http://demo-issuer:{ISSUER_PORT}/demo-issuer"

    def gateway(self, service: str) -> str:
        return f"http://{service}:{GATEWAY_PORT}"


def make_secrets(keys: Path, passwords: Path) -> None:
    """Makes what is not there: what was sealed, and whose database it is, stays as it was."""
    Keyrings(keys).make()
    for name in ("postgres", *SERVICES):
        file = passwords / name
        if not file.exists():
            file.write_text(secrets.token_urlsafe(32))
            file.chmod(0o444)  # PostgreSQL's container reads it as another user


def main(arguments: Sequence[str]) -> int:
    match arguments:
        case ["secrets"]:
            make_secrets(Path("/secrets"), Path("/passwords"))
        case ["coordinates"]:
            from local.journeys import coordinates  # noqa: PLC0415 (needs the services' clients)

            composed = Composed()
            if (composed.agency_folder / "demo" / "sign-ins.yaml").exists():
                coordinates.send(composed)
        case _:
            raise Problem("usage: python -m local.composed secrets | coordinates")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
