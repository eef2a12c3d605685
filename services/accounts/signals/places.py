"""Where a network is, by the operator's own table: a line for each prefix, the longest that fits says the place."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network
from math import asin, cos, radians, sin, sqrt
from pathlib import Path

COLUMNS = ("prefix", "place", "latitude", "longitude")
EARTH = 6371.0  # kilometres; the mean radius, off by 0.3 % where the earth is flattened most

PLACE = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Place:
    """A place by the operator's code, in degrees north and east."""

    code: str
    latitude: float
    longitude: float

    def kilometres_to(self, other: "Place") -> float:
        """Along the great circle (haversine)."""
        north, south = radians(self.latitude), radians(other.latitude)
        across = sin((south - north) / 2) ** 2
        across += cos(north) * cos(south) * sin(radians(other.longitude - self.longitude) / 2) ** 2
        return 2 * EARTH * asin(min(1.0, sqrt(across)))


@dataclass(frozen=True)
class Places:
    """The table: by IP version and length of the prefix, from the longest on, the places by what the prefix leaves."""

    table: Mapping[tuple[int, int], Mapping[int, Place]] = field(default_factory=dict)

    def of(self, host: str) -> Place | None:
        """Where a client's address is; None where the table does not say, or it is no address."""
        try:
            address = ip_address(host)
        except ValueError:
            return None
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        for (version, length), places in self.table.items():
            if version == address.version:
                place = places.get(int(address) >> (address.max_prefixlen - length))
                if place is not None:
                    return place
        return None


def read(file: Path | None) -> Places:
    """The table of a file: CSV with the columns of COLUMNS. Without a file nothing is known of places.

    Raises OSError, and ValueError that names the line.
    """
    if file is None:
        return Places()
    found: dict[tuple[int, int], dict[int, Place]] = {}
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        if tuple(next(rows, ())) != COLUMNS:
            raise ValueError(f"{file}:1: the first line names the columns {', '.join(COLUMNS)}")
        for row in rows:
            try:
                version, length, prefix, place = _entry(row)
            except ValueError as error:
                raise ValueError(f"{file}:{rows.line_num}: {error}") from None
            found.setdefault((version, length), {})[prefix] = place
    return Places({key: found[key] for key in sorted(found, key=lambda key: -key[1])})


def _entry(row: Sequence[str]) -> tuple[int, int, int, Place]:
    if len(row) != len(COLUMNS):
        raise ValueError(f"not {len(COLUMNS)} columns")
    prefix, code, latitude, longitude = (cell.strip() for cell in row)
    network, place = ip_network(prefix), Place(code, float(latitude), float(longitude))
    if not PLACE.fullmatch(code):
        raise ValueError("a place's code has lower-case letters, digits and underscores, and begins with a letter")
    if not (-90 <= place.latitude <= 90 and -180 <= place.longitude <= 180):
        raise ValueError("no such latitude or longitude, in degrees north and east")
    shifted = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
    return network.version, network.prefixlen, shifted, place
