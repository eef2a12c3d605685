"""What a client's network is, and how long one is remembered."""

from datetime import timedelta
from ipaddress import IPv6Address, ip_address

IPV6_SITE = 64  # bits: one subscriber holds at least a /64, so single addresses would count nothing
KEPT_FOR = timedelta(days=90)  # since somebody was let in last: people come monthly, with a report to file


def network(host: str) -> str:
    """What a client's address is counted as: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> IPV6_SITE << IPV6_SITE)}/{IPV6_SITE}"
