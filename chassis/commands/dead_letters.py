"""python -m services.NAME dead-letters …: for an operator at a terminal, perhaps at three in the morning.

It needs the service's environment and its database; no process of the service need run, and Kafka need not answer.
"""

import argparse
import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from chassis import settings as environment
from chassis import telemetry
from chassis.commands.answers import FAULTY, NOT_WELL, OUTAGES, WELL, complain
from chassis.dead_letters import handlers, storage
from chassis.dead_letters.handlers import Asked
from chassis.dead_letters.redrive import Drop, Failed, Outcome, Redrive, Redriven, Waiting, drop
from chassis.dead_letters.storage import Choice
from chassis.dead_letters.views import LetterDetail, LetterView
from chassis.outcomes import CommitUnknown, Refusal
from chassis.program import program
from chassis.service import Service, platform
from chassis.settings import Settings
from chassis.subscriptions import consumers_of
from chassis.work import Actor, Unit
from contracts.problems import problems

T = TypeVar("T")

REASON_SHOWN = 70  # characters of a reason in a list; `show` has all of it


def main(service: Service[T], arguments: Sequence[str]) -> int:
    """Carry one command out. Returns 0 when all went well, 1 when something did not, 2 for a wrong command line."""
    asked = _parser(service.name).parse_args(arguments)
    telemetry.configure(service.name, "ERROR")
    try:
        return asyncio.run(_carry_out(service, environment.read(service.settings), asked))
    except CommitUnknown:
        return complain("the database was lost in the middle of a commit: look with `list` before you go on")
    except OUTAGES as error:
        return complain(f"the database does not answer, and what is not told above was not done: {error!r}")
    except FAULTY as error:
        return complain(str(error))


def _parser(service: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program(service, "dead-letters"),
        description="Messages that could not be handled. See docs/operations/redrive.md.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="what is parked, oldest first")
    listing.add_argument("--limit", type=_positive, default=50)
    show = commands.add_parser("show", help="one letter, names and secrets masked")
    show.add_argument("id", type=_positive)
    redrive = commands.add_parser("redrive", help="handle again: one, all of a key, or all; each key in order")
    redrive.add_argument("id", type=_positive, nargs="?")
    redrive.add_argument("--all", action="store_true")
    dropping = commands.add_parser("drop", help="give messages up for good, for one reason")
    dropping.add_argument("ids", type=_positive, nargs="+", metavar="id")
    dropping.add_argument("--reason", required=True, type=_text, help="kept in the audit; name no person")
    for command in (listing, redrive):
        command.add_argument("--consumer", metavar="SERVICE.TOPIC", help="as `list` shows it")
        command.add_argument("--key", help="as `list` shows it")
        command.set_defaults(refuse=command.error)
    for command in (redrive, dropping):
        command.add_argument("--by", required=True, type=_text, metavar="NAME", help="who you are, for the audit")
    for command in (listing, show):
        command.add_argument("--by", default="unnamed", type=_text, metavar="NAME", help="who you are, for the audit")
    for command in (listing, show, redrive, dropping):
        command.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**63):
        raise argparse.ArgumentTypeError("not a number above 0")
    return int(text)


def _text(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError("must say something, on one line")
    return text.strip()


async def _carry_out(service: Service[T], settings: Settings, asked: argparse.Namespace) -> int:
    if asked.command == "redrive" and (asked.id is not None) + (asked.key is not None or asked.all) != 1:
        asked.refuse("name one letter by its id, or a key with --key, or --all")
    terminal = Terminal(Actor("operator", getattr(asked, "by", "")), as_json=asked.json)
    async with platform(service, settings) as (_, unit):
        match asked.command:
            case "show":
                return await terminal.show(unit, asked.id)
            case "drop":
                return await terminal.drop(unit, asked.ids, asked.reason)
        choice = Choice(asked.consumer, asked.key)
        if choice.consumer is not None:
            known = consumers_of(service.name, service.subscriptions) | await storage.consumers(unit.pool)
            if choice.consumer not in known:
                asked.refuse(f"there is no consumer {choice.consumer} here; there is: {', '.join(sorted(known))}")
        if asked.command == "list":
            return await terminal.list(unit, Asked(choice, None, asked.limit))
        redrive = Redrive(unit, service.subscriptions)
        return await terminal.redrive(unit, redrive, asked.id if asked.id is not None else choice)


@dataclass
class Terminal:
    """Where an operator's commands are carried out and answered."""

    actor: Actor
    as_json: bool

    async def list(self, unit: Unit[Any], asked: Asked) -> int:
        """What is parked."""
        found = (await unit.run(handlers.list_letters, asked, self.actor)).outcome
        if isinstance(found, Refusal):
            return complain(_refused(found))
        for letter in found.letters:
            self._tell(letter.model_dump(mode="json"), _line(letter))
        page = found.page
        more = "" if page.exact else "at least "
        if page.total:
            self._sum_up(f"{len(found.letters)} shown of {more}{page.total} parked")
        else:
            self._sum_up(await _nothing(unit))
        return WELL

    async def show(self, unit: Unit[Any], letter_id: int) -> int:
        """One letter."""
        found = (await unit.run(handlers.show, letter_id, self.actor)).outcome
        if isinstance(found, Refusal):
            return complain(_refused(found))
        self._tell(found.model_dump(mode="json"), _page(found))
        return WELL

    async def drop(self, unit: Unit[Any], ids: Iterable[int], reason: str) -> int:
        """Give each up, in a transaction of its own; one that is not there does not stop the others."""
        status = WELL
        for letter_id in dict.fromkeys(ids):
            found = (await unit.run(drop, Drop(letter_id, reason), self.actor)).outcome
            if isinstance(found, Refusal):
                status = complain(f"{letter_id}  {_refused(found)}")
            else:
                self._tell({"id": letter_id, "ending": "dropped"}, f"{letter_id}  dropped: it will never be applied")
        return status

    async def redrive(self, unit: Unit[Any], redrive: Redrive[Any], chosen: int | Choice) -> int:
        """Dig up one or many."""
        ends = {Redriven: 0, Failed: 0, Waiting: 0}
        async with contextlib.aclosing(self._outcomes(redrive, chosen)) as outcomes:
            async for outcome in outcomes:
                if isinstance(outcome, Refusal):
                    return complain(_refused(outcome))
                ends[type(outcome)] += 1
                self._tell(*_ending(outcome))
        if any(ends.values()):
            self._sum_up(f"{ends[Redriven]} redriven, {ends[Failed]} failed again, {ends[Waiting]} wait behind those")
        else:
            self._sum_up(await _nothing(unit))
        return NOT_WELL if ends[Failed] or ends[Waiting] else WELL

    async def _outcomes(self, redrive: Redrive[Any], chosen: int | Choice) -> AsyncGenerator[Outcome | Refusal, None]:
        if isinstance(chosen, int):
            yield await redrive.one(chosen, self.actor)
            return
        async for outcome in redrive.many(chosen, self.actor):
            yield outcome

    def _tell(self, facts: dict[str, Any], words: str) -> None:
        print(json.dumps(facts, ensure_ascii=False) if self.as_json else words, flush=True)

    def _sum_up(self, words: str) -> None:
        if not self.as_json:
            print(words)


async def _nothing(unit: Unit[Any]) -> str:
    """What to say when no letter was found: a filter that fits none must not read as all clear."""
    in_all = await storage.count(unit.pool)
    return f"nothing matches; {in_all} parked in all" if in_all else "nothing is parked"


def _refused(refusal: Refusal) -> str:
    if refusal.code == "not_found":
        return "no such letter: redriven or dropped meanwhile, or of another service"
    return problems()[refusal.code].detail.in_("en", **refusal.parameters)


def _line(letter: LetterView) -> str:
    kind = "unreadable" if letter.type is None else letter.type.removeprefix("mandat.")
    why = "waits behind an earlier letter of its key" if letter.behind else letter.reason[:REASON_SHOWN]
    return (
        f"{letter.id}  {letter.first_at:%Y-%m-%d %H:%M:%S}  {kind}  key {letter.key}  {letter.consumer}"
        f"  at {letter.topic}/{letter.partition}/{letter.offset}  tried {letter.attempts}×  {why}"
    )


def _page(letter: LetterDetail) -> str:
    facts = letter.model_dump(mode="json", exclude={"payload"})
    width = max(map(len, facts))
    lines = [f"{name.replace('_', ' '):<{width}}  {'–' if value is None else value}" for name, value in facts.items()]
    if letter.payload is not None:
        lines += [
            "payload (••• stands for a text that is not shown)",
            json.dumps(letter.payload, ensure_ascii=False, indent=2),
        ]
    return "\n".join(lines)


def _ending(outcome: Outcome) -> tuple[dict[str, Any], str]:
    match outcome:
        case Redriven(identity, ending):
            words = {
                "applied": "applied",
                "refused": "its handler refused it and said so; it is done",
                "duplicate": "had been applied before; it is done",
                "ignored": "erases something that this service does not keep; it is done",
            }[ending]
            return {"id": identity, "ending": ending}, f"{identity}  {words}"
        case Failed(identity, reason):
            return {"id": identity, "ending": "failed", "reason": reason}, f"{identity}  FAILED AGAIN: {reason}"
        case Waiting(identity, earlier):
            facts = {"id": identity, "ending": "waiting", "waits_for": earlier}
            return facts, f"{identity}  not tried: it waits for {earlier}"
