"""A journey played in both languages side by side, for the tests that read what it told."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.events import Language
from local.journeys.narrator import Narrator
from local.ports import Ports
from local.stack import Stack
from tests.fixtures.patience import PATIENCE

IN_EITHER_LANGUAGE = pytest.mark.parametrize("language", ["fr", "en"])

Play = Callable[[Stack, Narrator, Language], Awaitable[Mapping[Language, set[str]]]]


@dataclass(frozen=True)
class Played:
    """What the journey told in one language, and the texts that its readers were shown."""

    told: str
    texts: set[str]


@contextmanager
def stack_of(agency: str, folder: Path, *, guarded: bool = False) -> Iterator[Stack]:
    """The stack of the agency's demo, on free ports."""
    with Stack(agency, folder / "stack", Ports.free(), folder / "logs", lambda _: None, guarded=guarded) as made:
        yield made


async def play_both(play: Play, stack: Stack) -> Mapping[Language, Played]:
    """The journey in both languages, each to its end."""

    async def one(language: Language) -> Played:
        lines: list[str] = []
        texts = await play(stack, Narrator(say=lines.append, colour=False), language)
        return Played("\n".join(lines), texts[language])

    french, english = await asyncio.gather(one("fr"), one("en"))
    return {"fr": french, "en": english}


async def every_mail(stack: Stack) -> list[dict[str, Any]]:
    """Every mail that arrived."""
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        found: list[dict[str, Any]] = (await http.get(f"{stack.inbox}/mails")).json()
    return found
