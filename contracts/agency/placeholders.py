"""Placeholders in an agency's texts: plain substitution of a name, never an expression."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

Syntax = Literal["{name}", "{{ name }}"]

_PATTERNS: Mapping[Syntax, re.Pattern[str]] = {
    "{name}": re.compile(r"\{([a-z][a-z0-9_]*)\}"),
    "{{ name }}": re.compile(r"\{\{ ([a-z][a-z0-9_]*) \}\}"),
}


def names(text: str, syntax: Syntax) -> set[str]:
    """The names that `text` asks for."""
    return set(_PATTERNS[syntax].findall(text))


def without(text: str, syntax: Syntax) -> str:
    """`text` with each placeholder taken out."""
    return _PATTERNS[syntax].sub("", text)


def faults(text: str, offered: set[str], syntax: Syntax) -> Iterator[str]:
    """Why the text cannot be filled in, one sentence each: a name not offered, anything but a plain name."""
    for name in sorted(names(text, syntax) - offered):
        yield f"The placeholder `{name}` is not offered here; offered are {', '.join(sorted(offered))}."
    if re.search(r"[{}]", without(text, syntax)):
        yield f"A brace stands outside a placeholder; the only form is `{syntax}`."


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with each `{name}` replaced once; what a value holds is not looked at again."""
    return _PATTERNS["{name}"].sub(lambda found: values[found.group(1)], text)
