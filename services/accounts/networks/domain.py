"""What a client's network is, and how long one is remembered."""

from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

IPV6_NETWORK = 64  # bits: one subscriber holds at least a /64, so single addresses would count nothing
IPV4_POOL = 24  # bits: from so many at most a provider's pool is usually drawn
IPV6_SITE = 48  # bits: the most that one subscriber is commonly given (RIPE-690), which are 65,536 of these networks
KEPT_FOR = timedelta(days=90)  # since somebody was let in last: people come monthly, with a report to file


def network(host: str) -> str:
    """What a client's address is counted as: an IPv4 address, or the /64 of an IPv6 one."""
    return _of(host, IPV6_NETWORK)


def site(host: str) -> str:
    """The most that may be one subscriber's: an IPv4 address, or the /48 of an IPv6 one."""
    return _of(host, IPV6_SITE)


def neighbourhood(host: str) -> str:
    """Where a client is as far as its address says: the /24 of an IPv4 address, or the /48 of an IPv6 one.

    A provider gives one subscriber now this address of a pool and now that one, next to each other as a rule.
    """
    found = site(host)
    return found if "/" in found or "." not in found else str(ip_network(f"{found}/{IPV4_POOL}", strict=False))


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
