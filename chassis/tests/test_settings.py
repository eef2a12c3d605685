"""What is wrong with the environment is said in the environment's own words, and shows nothing of what it holds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from chassis.kafka import Clients
from chassis.settings import DatabaseSettings, FaultySettings, KafkaSettings, Settings, read
from contracts.agency.profile import AgentIssuer
from local import ROOT

WHOLE = {
    "MANDAT_AGENCY": "agency",
    "MANDAT_DATABASE_URL": "postgresql://x:hunter2@127.0.0.1/x",
    "MANDAT_GATEWAY_PORT": "1",
    "MANDAT_OPERATIONS_PORT": "2",
    "MANDAT_KEYRING": "ring.json",
    "MANDAT_SEALING_KEYS": "public.json",
    "MANDAT_ISSUER_BASE": "http://127.0.0.1:1",
}


TOKEN = {
    "TLS": "tls",
    "SASL": "oauthbearer",
    "TOKEN_URL": "https://id.example/token",
    "CLIENT_ID": "mandat",
    "CLIENT_SECRET_FILE": "FILE",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)


def test_a_whole_environment_is_read() -> None:
    assert read(Settings).agency == Path("agency")


def test_each_fault_is_a_line_of_its_own_that_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MANDAT_DATABASE_URL")
    monkeypatch.setenv("MANDAT_GATEWAY_PORT", "hunter2")
    monkeypatch.setenv("MANDAT_DEMO_AGENT_ISSUERS", '[{"issuer": "hunter2"}]')
    with pytest.raises(FaultySettings) as caught:
        read(Settings)
    lines = str(caught.value).splitlines()
    assert lines[0] == "MANDAT_DATABASE_URL is not set"
    assert lines[1].startswith("MANDAT_GATEWAY_PORT: Input should be a valid integer")
    assert lines[2].startswith("MANDAT_DEMO_AGENT_ISSUERS, at 0.")
    assert "hunter2" not in str(caught.value) and "pydantic" not in str(caught.value)


@pytest.mark.parametrize(
    "told", ["*", "10.1.0.0/16,*", "0.0.0.0/0", "::/0", "10.1.2.3/16", "gateway.example", "10.1.0.0/16,"]
)
def test_nobody_but_known_networks_is_believed_about_where_a_caller_is(
    told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MANDAT_TRUSTED_PROXIES", "10.1.0.0/16, fd00::/8,192.0.2.1")
    assert read(Settings).trusted_proxies
    monkeypatch.setenv("MANDAT_TRUSTED_PROXIES", told)
    with pytest.raises(FaultySettings) as caught:
        read(Settings)
    assert str(caught.value).startswith("MANDAT_TRUSTED_PROXIES: ")


def test_a_demo_issuer_may_stand_in_another_container_and_the_agencys_own_may_not_speak_plain_http(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    beside = {"issuer": "http://demo:8026", "jwks_uri": "http://demo:8026/keys", "audience": "mandat"}
    monkeypatch.setenv("MANDAT_DEMO_AGENT_ISSUERS", json.dumps([beside]))

    assert [issuer.jwks_uri for issuer in read(Settings).demo_agent_issuers] == ["http://demo:8026/keys"]
    with pytest.raises(ValidationError, match="only on this machine"):
        AgentIssuer(**beside)


def test_kafka_by_tls_with_a_password_a_token_or_a_certificate_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("hunter2\n")
    for way in (
        {"SASL": "scram-sha-512", "USERNAME": "mandat", "PASSWORD_FILE": file},
        {"SASL": "plain", "USERNAME": "mandat", "PASSWORD_FILE": file},
        {
            "SASL": "oauthbearer", "TOKEN_URL": "https://id.example/token", "CLIENT_ID": "mandat",
            "CLIENT_SECRET_FILE": file, "TOKEN_SCOPE": "kafka",
        },
        {"CERTIFICATE_FILE": file, "KEY_FILE": file, "CA_FILE": file},
        {"SASL": "scram-sha-512", "USERNAME": "mandat", "PASSWORD_FILE": file, "CA_FILE": file},
    ):  # fmt: skip
        with monkeypatch.context() as told:
            told.setenv("MANDAT_KAFKA_TLS", "tls")
            for name, value in way.items():
                told.setenv(f"MANDAT_KAFKA_{name}", str(value))
            assert read(KafkaSettings).kafka_tls == "tls"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"SASL": "scram-sha-512", "USERNAME": "mandat", "PASSWORD_FILE": "FILE"}, "needs MANDAT_KAFKA_TLS to be tls"),
        ({"SASL": "plain", "USERNAME": "mandat", "PASSWORD_FILE": "FILE"}, "plain needs MANDAT_KAFKA_TLS to be tls"),
        ({"TLS": "tls", "SASL": "plain", "USERNAME": "mandat"}, "is plain, and MANDAT_KAFKA_PASSWORD_FILE is not set"),
        ({"TLS": "tls", "SASL": "scram-sha-512", "USERNAME": "mandat"}, "MANDAT_KAFKA_PASSWORD_FILE is not set"),
        ({"TLS": "tls", "SASL": "scram-sha-512", "PASSWORD_FILE": "FILE"}, "MANDAT_KAFKA_USERNAME is not set"),
        ({"TLS": "tls", "USERNAME": "mandat"}, "MANDAT_KAFKA_USERNAME needs MANDAT_KAFKA_SASL to be scram-sha-512"),
        ({"TLS": "tls", "PASSWORD_FILE": "FILE"}, "PASSWORD_FILE needs MANDAT_KAFKA_SASL to be scram-sha-512"),
        ({"TLS": "tls", "SASL": "oauthbearer", "CLIENT_ID": "mandat"}, "MANDAT_KAFKA_TOKEN_URL is not set"),
        ({"TLS": "tls", "TOKEN_SCOPE": "kafka"}, "MANDAT_KAFKA_TOKEN_SCOPE needs MANDAT_KAFKA_SASL to be oauthbearer"),
        ({"TLS": "tls", "CERTIFICATE_FILE": "FILE"}, "MANDAT_KAFKA_KEY_FILE go together"),
        ({"TLS": "tls", "KEY_FILE": "FILE"}, "MANDAT_KAFKA_KEY_FILE go together"),
        ({"CA_FILE": "FILE"}, "MANDAT_KAFKA_CA_FILE needs MANDAT_KAFKA_TLS to be tls"),
        ({"CERTIFICATE_FILE": "FILE", "KEY_FILE": "FILE"}, "CERTIFICATE_FILE needs MANDAT_KAFKA_TLS to be tls"),
        ({"TLS": "tls", "CA_FILE": "nowhere"}, "MANDAT_KAFKA_CA_FILE: Path does not point to a file"),
        (TOKEN | {"TOKEN_URL": "http://id.example/token"}, "MANDAT_KAFKA_TOKEN_URL must be an https address"),
        (TOKEN | {"TOKEN_URL": "id.example"}, "MANDAT_KAFKA_TOKEN_URL must be an https address"),
    ],
)
def test_what_cannot_go_together_towards_kafka_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: dict[str, str], says: str
) -> None:
    file = tmp_path / "file"
    file.write_text("hunter2")
    for name, value in told.items():
        monkeypatch.setenv(f"MANDAT_KAFKA_{name}", str(file) if value == "FILE" else value)
    with pytest.raises(FaultySettings) as caught:
        read(KafkaSettings)
    [fault] = caught.value.faults
    assert says in fault and "Value error" not in fault


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"TLS": "tls", "CA_FILE": "hunter2"}, "MANDAT_KAFKA_CA_FILE"),
        ({"TLS": "tls", "SASL": "scram-sha-512", "USERNAME": "mandat", "PASSWORD_FILE": "\n"}, "PASSWORD_FILE"),
        (TOKEN | {"CLIENT_SECRET_FILE": "\n"}, "MANDAT_KAFKA_CLIENT_SECRET_FILE"),
    ],
)
def test_a_file_that_does_not_hold_what_it_should_is_named_at_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: dict[str, str], says: str
) -> None:
    for name, value in told.items():
        if name.endswith("_FILE"):
            (tmp_path / name).write_text("hunter2" if value == "FILE" else value)
        monkeypatch.setenv(f"MANDAT_KAFKA_{name}", str(tmp_path / name) if name.endswith("_FILE") else value)
    with pytest.raises(ValueError, match=says) as caught:
        Clients.of(read(KafkaSettings))
    assert "hunter2" not in str(caught.value)


def test_a_password_stands_in_the_url_of_the_database_or_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("hunter2")
    monkeypatch.setenv("MANDAT_DATABASE_PASSWORD_FILE", str(file))
    with pytest.raises(FaultySettings, match="MANDAT_DATABASE_URL holds a password") as caught:
        read(DatabaseSettings)
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("MANDAT_DATABASE_URL", "postgresql://x@127.0.0.1/x")
    assert read(DatabaseSettings).database_password_file == file


def test_a_service_that_does_not_start_says_which_settings_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MANDAT_AGENCY", "MANDAT_KEYRING"):
        monkeypatch.delenv(name)
    command = [sys.executable, "-m", "chassis.tests.library", "api"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = [json.loads(line) for line in (ended.stdout + ended.stderr).splitlines()]
    assert ended.returncode == 1
    assert [line["error"] for line in said] == ["MANDAT_AGENCY is not set", "MANDAT_KEYRING is not set"]
