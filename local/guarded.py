"""A Kafka that asks who somebody is, and allows each what the contracts' list names (contracts/acls.py), as one in
operation does: TLS, SCRAM, and an ACL for whatever is allowed.

What belongs to the stack itself (making topics, tests that look on) comes by the door beside it, which lets everything
pass; a service is only ever told of the guarded one.
"""

import asyncio
import datetime
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest, DescribeAclsRequest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from contracts import acls, flow
from contracts.acls import Acl
from local.kafka import START_TIMEOUT, Kafka
from local.ports import free_ports

SUBSCRIBER = "observatory"
"""Another system of the agency, that reads what is public."""

MAKER, MADE = "maker", "made."
"""Who makes topics as notifications does, with a prefix of its own."""

AUDITOR = "auditor"
"""Who verifies the audits."""

RIGHTS: Mapping[str, tuple[Acl, ...]] = {
    **{service: acls.of_service(service) for service in flow.SERVICES},
    SUBSCRIBER: acls.of_subscriber(SUBSCRIBER),
    AUDITOR: acls.of_auditor(),
    MAKER: tuple(replace(acl, name=MADE + acl.name) for acl in acls.of_maker("notifications")),
}
"""Whoever can sign in, and what they may."""

# Numbers of Kafka's protocol: org.apache.kafka.common.acl.AclOperation, .resource.ResourceType, .resource.PatternType.
OPERATIONS: Mapping[acls.Operation, int] = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10}
RESOURCES = {"topic": 2, "group": 3}
PATTERNS = {"literal": 3, "prefixed": 4}
ANY, ALLOW = 1, 3

SETTINGS = {
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_SSL",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",  # whoever comes by the other doors: the stack's own, on this machine
    "listener.name.guarded.sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "listener.name.guarded.scram-sha-512.sasl.jaas.config": (
        "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    ),
    "listener.name.guarded.ssl.keystore.type": "PEM",
}


@dataclass
class GuardedKafka(Kafka):
    """A broker with a second, guarded door for those of RIGHTS. Its rights are given by `guard` after a first start."""

    guarded_port: int = field(default_factory=lambda: free_ports(1)[0])

    @property
    def guarded_servers(self) -> str:
        """What whoever has to sign in calls the bootstrap servers."""
        return f"{self.address}:{self.guarded_port}"

    @property
    def authority(self) -> Path:
        """The certificate (PEM) by which the guarded door is known."""
        return self.folder / "authority.pem"

    def password_file(self, name: str) -> Path:
        """Holds the password of one of RIGHTS."""
        return self.folder / f"{name}.password"

    def start(self) -> None:
        """As Kafka's; a new folder gets a certificate and passwords first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.authority.exists():
            self._make_certificate()
        for name in RIGHTS:
            if not self.password_file(name).exists():
                _write(self.password_file(name), secrets.token_hex(24))
        super().start()

    async def guard(self) -> None:
        """Give each of RIGHTS what it may do; once is enough for a folder. Raises KafkaError."""
        client = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        await client.start()
        try:
            answer = await client._send_request(_Grants())  # aiokafka has no method for it
            for code, why in answer.creation_responses:
                if code:
                    raise for_code(code)(why)
            async with asyncio.timeout(START_TIMEOUT):
                while True:  # the broker learns of them after the controller
                    if await _in_force(client) == len(_grants()):
                        return
                    await asyncio.sleep(0.05)
        finally:
            await client.close()

    def told(self, service: str) -> dict[str, str]:
        """What a service is told of the guarded door: settings of chassis/settings.py."""
        return {
            "MANDAT_KAFKA_SERVERS": self.guarded_servers,
            "MANDAT_KAFKA_TLS": "tls",
            "MANDAT_KAFKA_CA_FILE": str(self.authority),
            "MANDAT_KAFKA_SASL": "scram-sha-512",
            "MANDAT_KAFKA_USERNAME": service,
            "MANDAT_KAFKA_PASSWORD_FILE": str(self.password_file(service)),
        }

    def _settings(self, data: Path) -> dict[str, str]:
        found = super()._settings(data)
        return {
            **found,
            **SETTINGS,
            "listeners": f"{found['listeners']},GUARDED://{self.listens}:{self.guarded_port}",
            "advertised.listeners": f"{found['advertised.listeners']},GUARDED://{self.guarded_servers}",
            "listener.name.guarded.ssl.keystore.location": str(self._key_and_certificate),
        }

    def _made_with(self) -> list[str]:
        passwords = ((name, self.password_file(name).read_text()) for name in RIGHTS)
        return [
            option
            for name, password in passwords
            for option in ("--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]")
        ]

    @property
    def _key_and_certificate(self) -> Path:
        return self.folder / "guarded.pem"

    def _make_certificate(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Mandat's local Kafka")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=365))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(self.address))]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        written = certificate.public_bytes(serialization.Encoding.PEM).decode()
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _write(self._key_and_certificate, secret.decode() + written)
        _write(self.authority, written)


def _grants() -> list[tuple[int, str, int, str, str, int, int]]:
    """Each right as Kafka's protocol has it."""
    return [
        (RESOURCES[acl.resource], acl.name, PATTERNS[acl.pattern], f"User:{name}", "*", OPERATIONS[operation], ALLOW)
        for name, allowed in RIGHTS.items()
        for acl in allowed
        for operation in acl.operations
    ]


class _Grants(CreateAclsRequest):  # type: ignore[misc]
    """All rights at once; aiokafka's own request holds one, and each takes the broker a moment."""

    def __init__(self) -> None:
        """Takes no right: they are those of RIGHTS."""

    def build(self, request_struct_class: Any) -> Any:
        """The request as it is sent."""
        return request_struct_class(_grants())


async def _in_force(client: AIOKafkaAdminClient) -> int:
    """How many rights the broker knows."""
    answer = await client._send_request(DescribeAclsRequest(ANY, None, ANY, None, None, ANY, ANY))
    return sum(len(allowed) for *_, allowed in answer.resources)


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)
