"""A value that nobody knows is refused, wherever it stands, and each that there is says what it means."""

import copy
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import yaml

from deploy import SIZES
from deploy.values_table import OF_ANY_NAME, README, SCHEMA, VALUES, Path, readme, resolved, told
from tests.deploy.rendering import NotRendered, Object, merged, render
from tests.deploy.variants import EVERYTHING, VARIANTS

VALIDATOR = jsonschema_rs.validator_for(SCHEMA)


def objects(values: Any, path: Path = ()) -> Iterator[Path]:
    """Where in the values an object stands."""
    if isinstance(values, dict):
        yield path
        for key, value in values.items():
            yield from objects(value, (*path, key))


@pytest.mark.parametrize("path", [path for path in objects(VALUES) if not OF_ANY_NAME & set(path)], ids=".".join)
def test_a_misspelled_value_is_refused_at_every_level(path: Path) -> None:
    values = copy.deepcopy(VALUES)
    place = values
    for key in path:
        place = place[key]
    assert VALIDATOR.is_valid(values)

    place["misspelt"] = True

    assert [error for error in VALIDATOR.iter_errors(values) if "misspelt" in error.message]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"service": {}}, "service is not allowed"),
        ({"services": {"linking": {"api": {"replica": 3}}}}, "replica is not allowed"),
        ({"services": {"linking": {"env": {"MANDAT_LOGLEVEL": "DEBUG"}}}}, "MANDAT_LOGLEVEL"),
        ({"shape": "one"}, "shape"),
    ],
)
def test_helm_says_which_value_is_misspelled(values: Object, words: str) -> None:
    with pytest.raises(NotRendered, match=words):
        render(values)


UNWISE: dict[str, Object] = {
    "more workers than partitions": {"services": {"linking": {"worker": {"replicas": 13}}}},
    "a password for the brokers in clear": {"kafka": {"authentication": "scram-sha-512"}},
    "a password for brokers that only know PLAIN in clear": {"kafka": {"authentication": "plain"}},
    "a pooler beside a whole URL, which names another place": {
        "services": {"linking": {"database": {"url": {"secret": "x"}, "pooler": {"host": "pooler.example.org"}}}}
    },
    "a password for the relay in clear": {"smtp": {"username": "x", "password": {"secret": "x"}, "tls": "none"}},
    "a user of the relay without a password": {"smtp": {"username": "x"}},
    "a password of the relay without a user": {"smtp": {"password": {"secret": "x"}}},
    "reports without an address to come back to": {"bounces": {"server": True}},
    "a Gateway without a certificate": {"gateway": {"create": True, "className": "any"}},
    "a Gateway and another one's listeners": {
        "gateway": {"create": True, "className": "any", "tls": {"secret": "x"}, "parentRefs": [{"name": "x"}]}
    },
    "External Secrets without a store": {"secrets": {"external": {"enabled": True}}},
    "memory without a limit": {"services": {"linking": {"api": {"resources": {"limits": {"memory": None}}}}}},
    "no host": {"hosts": []},
    "anybody's word for where a caller is": {"trustedProxies": ["*"]},
    "the word of the whole world": {"trustedProxies": ["0.0.0.0/0"]},
    "a subscriber whose groups begin as another's": {"subscribers": [{"name": "portal.copy"}]},
    "a name where an address is meant": {"trustedProxies": ["gateway"]},
}


@pytest.mark.parametrize("what", UNWISE)
def test_what_could_not_work_is_refused_before_it_is_tried(what: str) -> None:
    assert not VALIDATOR.is_valid(merged(VALUES, UNWISE[what]))


def test_what_works_is_not_refused() -> None:
    for values in (*VARIANTS.values(), *(yaml.safe_load(file.read_text()) for file in SIZES.glob("*.yaml"))):
        assert [error.message for error in VALIDATOR.iter_errors(merged(VALUES, values))] == []
    assert VARIANTS["everything"] is EVERYTHING


def every_key(values: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(values, dict) and not OF_ANY_NAME & set(path):
        for key, value in values.items():
            yield (*path, key)
            yield from every_key(value, (*path, key))


def test_every_value_is_described() -> None:
    assert [".".join(path) for path in every_key(VALUES) if not told(path).get("description")] == []


def test_every_value_has_its_default_in_sight() -> None:
    def missing(schema: Object, values: Object, path: Path = ()) -> Iterator[str]:
        for key, inner in resolved(schema).get("properties", {}).items():
            if key not in values and key not in ("ephemeral-storage", "cpu"):  # rarely asked for, rarely limited
                yield ".".join((*path, key))
            elif values.get(key) and key not in OF_ANY_NAME:
                yield from missing(inner, values[key], (*path, key))

    assert list(missing(SCHEMA, VALUES)) == []


def test_the_readme_shows_every_value() -> None:
    text = README.read_text(encoding="utf-8")
    assert readme(text) == text, "to mend: python -m deploy.values_table"
