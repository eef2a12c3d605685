"""What the service lets itself be told."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.notifications.bounces.return_path import LONGEST_BASE
from services.notifications.sending.hosts import MailHosts
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


def test_hosts_stand_in_order_of_preference() -> None:
    settings = NotificationsSettings(**REQUIRED | {"smtp_hosts": "a.example:25, [2001:db8::1]:587"})
    assert settings.smtp_hosts == (("a.example", 25), ("2001:db8::1", 587))
    assert [str(address) for address in settings.smtp_hosts] == ["a.example:25", "[2001:db8::1]:587"]


@pytest.mark.parametrize("hosts", ["", "a.example", "a.example:", ":25", "a.example:0", "a.example:25,"])
def test_a_host_without_name_or_port_is_refused(hosts: str) -> None:
    with pytest.raises(ValidationError, match="smtp_hosts"):
        NotificationsSettings(**REQUIRED | {"smtp_hosts": hosts})


def test_hosts_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANDAT_SMTP_HOSTS", "a.example:25,b.example:26")
    told = {name: value for name, value in REQUIRED.items() if name != "smtp_hosts"}
    assert NotificationsSettings(**told).smtp_hosts == (("a.example", 25), ("b.example", 26))


def test_a_ca_file_without_tls_is_refused() -> None:
    with pytest.raises(ValidationError, match="MANDAT_SMTP_TLS"):
        NotificationsSettings(**REQUIRED, smtp_ca_file="ca.pem")
