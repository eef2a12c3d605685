"""How a keyring changes: a key is added, promoted once every process knows it, and at last removed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from joserfc.jwk import JWKRegistry

from chassis.keys import SUPERSEDED, AnyKey, Keyring, Use, new_key, new_sealing_key


def number(key: AnyKey) -> int:
    """Which of its kind a key is: numbers rise, and none is given twice."""
    return int(str(key.kid).rpartition(".")[2])


def newest(ring: Keyring, use: Use) -> AnyKey:
    """The key of a use that was added last."""
    return max(ring.of_use(use), key=number)


def with_another(ring: Keyring, use: Use) -> Keyring:
    """A further key of a use, which opens and matches at once and makes nothing yet.

    Raises ValueError while one that was added before waits to be promoted.
    """
    last, keys = newest(ring, use), ring.of_use(use)
    if last is not keys[0]:
        raise ValueError(f"{use} key {last.kid} was added before: promote it first")
    kid = number(last) + 1
    return _with(ring, use, [*keys, new_sealing_key(ring.service, kid) if use == "sealing" else new_key(kid)])


def with_newest_first(ring: Keyring, use: Use, now: datetime) -> Keyring:
    """From now on the newest key of a use makes what is made. Raises ValueError when it does so already."""
    last, (first, *others) = newest(ring, use), ring.of_use(use)
    if last is first:
        raise ValueError(f"{use} key {first.kid} is in use and is the newest: add another first")
    noted = first.as_dict(private=True) | {SUPERSEDED: now.isoformat(timespec="seconds")}
    superseded = JWKRegistry.import_key(noted)
    assert isinstance(superseded, AnyKey)
    return _with(ring, use, [last, superseded, *(key for key in others if key is not last)])


def without(ring: Keyring, use: Use, kid: str) -> Keyring:
    """Without one key, for good. Raises ValueError for one that is absent, in use, or waiting to be promoted."""
    found = find(ring, use, kid)
    if found is ring.of_use(use)[0]:
        raise ValueError(f"{use} key {kid} is in use")
    if found is newest(ring, use):
        raise ValueError(f"{use} key {kid} is the newest: its number must not be given twice")
    return _with(ring, use, [key for key in ring.of_use(use) if key is not found])


def find(ring: Keyring, use: Use, kid: str) -> AnyKey:
    """A key by its kid. Raises ValueError."""
    for key in ring.of_use(use):
        if key.kid == kid:
            return key
    raise ValueError(f"there is no {use} key {kid}; there are {', '.join(str(key.kid) for key in ring.of_use(use))}")


def superseded_at(key: AnyKey) -> datetime | None:
    """Since when another key stands first; None where that was not noted."""
    said = key.as_dict().get(SUPERSEDED)
    return datetime.fromisoformat(said) if isinstance(said, str) else None


def _with(ring: Keyring, use: Use, keys: Sequence[AnyKey]) -> Keyring:
    changed: dict[str, Any] = {use: tuple(keys)}
    return replace(ring, **changed)
