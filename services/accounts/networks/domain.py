"""What a client's network is, and how long one is remembered."""

from datetime import timedelta
from ipaddress import IPv6Address, ip_address

IPV6_NETWORK = 64  # bits: one subscriber holds at least a /64, so single addresses would count nothing
IPV6_SITE = 48  # bits: the most that one subscriber is commonly given (RIPE-690), which are 65,536 of these networks
KEPT_FOR = timedelta(days=90)  # since somebody was let in last: people come monthly, with a report to file


def network(host: str) -> str:
    """What a client's address is counted as: an IPv4 address, or the /64 of an IPv6 one."""
    return _of(host, IPV6_NETWORK)


def site(host: str) -> str:
    """The most that may be one subscriber's: an IPv4 address, or the /48 of an IPv6 one."""
    return _of(host, IPV6_SITE)


def _of(host: str, bits: int) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    rest = 128 - bits
    return f"{IPv6Address(int(address) >> rest << rest)}/{bits}"
