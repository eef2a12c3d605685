"""A certificate authority of a test's own, for servers and clients that speak TLS."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Authority:
    """Issues certificates; who trusts `file` trusts them."""

    def __init__(self, folder: Path) -> None:
        """Keeps its files in the folder."""
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("Test authority")
        certificate = self._unsigned(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0))
        self.file = folder / "authority.pem"
        self.file.write_bytes(certificate.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, address: str | None = None) -> tuple[Path, Path]:
        """Certificate and key (PEM) of one who is called so, and as a server is at that address."""
        key = ec.generate_private_key(ec.SECP256R1())
        unsigned = self._unsigned(_named(name), key, x509.BasicConstraints(ca=False, path_length=None))
        if address is not None:
            place = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
            unsigned = unsigned.add_extension(place, critical=False)
        shown, secret = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        shown.write_bytes(unsigned.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        secret.chmod(0o600)
        return shown, secret

    def _unsigned(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, constraints: x509.BasicConstraints
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(constraints, critical=True)
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
