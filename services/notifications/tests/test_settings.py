"""What the service lets itself be told."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

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
