"""What the service lets itself be told."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.notifications.bounces.return_path import LONGEST_BASE
from services.notifications.hosts import MailHosts
from services.notifications.settings import NotificationsSettings

REQUIRED: dict[str, Any] = {
    "agency": Path("agencies/ccq"),
    "database_url": "postgresql://nowhere",
    "gateway_port": 1,
    "operations_port": 2,
    "keyring": Path("keyring"),
    "sealing_keys": Path("keys"),
    "issuer_base": "http://issuer.example",
    "smtp_hosts": "mail.example:25",
}


def test_a_password_is_never_sent_in_clear() -> None:
    with pytest.raises(ValidationError, match="MANDAT_SMTP_TLS"):
        NotificationsSettings(**REQUIRED, smtp_username="mandat", smtp_password="secret")


def test_a_password_is_not_shown() -> None:
    settings = NotificationsSettings(**REQUIRED, smtp_username="mandat", smtp_password="hunter2", smtp_tls="tls")
    assert "hunter2" not in repr(settings) + repr(MailHosts.of(settings))


def test_a_door_for_reports_needs_the_address_that_they_are_sent_to() -> None:
    with pytest.raises(ValidationError, match="MANDAT_BOUNCE_ADDRESS"):
        NotificationsSettings(**REQUIRED, bounce_port=24)


@pytest.mark.parametrize("local", ["a" * (LONGEST_BASE + 1), "bounces+all"])
def test_the_address_for_reports_leaves_room_for_a_token(local: str) -> None:
    with pytest.raises(ValidationError, match="MANDAT_BOUNCE_ADDRESS"):
        NotificationsSettings(**REQUIRED, bounce_address=f"{local}@notifications.example")
