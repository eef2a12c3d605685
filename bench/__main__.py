"""`python -m bench NAME [--small]`, `python -m bench list`."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType

from bench import (
    audit,
    bulk,
    burst,
    check,
    closing,
    handlers,
    hanging,
    imports,
    lists,
    mail,
    matching,
    relay,
    removal,
    sender,
    start,
    telemetry,
    trace,
)
from bench.measuring import facts, say
from local import Problem
from local.journeys.narrator import PromiseBroken

COMMANDS: dict[str, tuple[str, Callable[[bool], None]]] = {
    "mail": ("from the POST of a registration to the end of SMTP DATA, beside a mail sent straight", mail.run),
    "burst": ("500 registrations at once: accepted and mails a second, beside the mails sent straight", burst.run),
    "bulk": ("codes that somebody waits for while 50,000 bulk mails are issued, beside codes alone", bulk.run),
    "trace": ("one registration's trace, from the request to the mail host, printed and drawn", trace.run),
    "removal": ("removal → the next check says no → a subscriber holds RelationEnded, beside bare Kafka", removal.run),
    "closing": ("an account is closed → each of the four gateways refuses its token", closing.run),
    "hanging": ("a removal that takes 10,000 delegations with it: its rows, the last yes, the last no", hanging.run),
    "relay": (
        "rows a second from the outbox to Kafka beside a bare producer; memory; repeats after kill -9",
        relay.run,
    ),
    "handlers": (
        "from a commit to the handler's, and messages a second, beside bare aiokafka and asyncpg",
        handlers.run,
    ),
    "sender": ("mails a second through the sender and its connections, beside bare aiosmtplib", sender.run),
    "telemetry": ("CPU of a message with metrics, with traces, and with neither", telemetry.run),
    "start": (
        "cold and warm start to ready, memory of each process, beside Kafka alone and an empty process",
        start.run,
    ),
    "matching": ("near-duplicates among a million contacts, and how surely they are found", matching.run),
    "imports": ("an extract of 1,000,000 rows beside COPY of the rows that it made; memory", imports.run),
    "audit": ("entries sealed a second beside plain inserts; what an entry costs a transaction", audit.run),
    "lists": ("a page of each list, with 5 million rights in the database, beside a page of bare ids", lists.run),
    "check": ("the access check with 5 million rights and with the demo data, beside one SELECT", check.run),
}


KEEPING = {"lists": lists.run, "matching": matching.run}


def main(arguments: Sequence[str]) -> int:
    """Run one command. Returns 0 when it could measure, whatever it measured; a Problem is one sentence and 1."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", choices=["list", *COMMANDS])
    parser.add_argument("--small", action="store_true", help="a tenth of the counts: whether it runs, not a figure")
    parser.add_argument(
        "--keep", action="store_true", help=f"{', '.join(KEEPING)}: leave the filled database, and use it the next time"
    )
    parser.add_argument("--only", metavar="WORDS", help="lists: those alone whose name holds these words")
    options = parser.parse_args(arguments)
    if options.only and options.name != "lists":
        parser.error(f"{options.name} measures all of it")
    if options.keep and options.name not in KEEPING:
        parser.error(f"{options.name} keeps nothing")
    if options.name == "list":
        for name, (what, _) in COMMANDS.items():
            say(f"{name:<11}{what}")
        return 0
    run = partial(KEEPING[options.name], keep=True) if options.keep else COMMANDS[options.name][1]
    if options.only:
        run = partial(lists.run, keep=options.keep, only=options.only)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    say(f"{options.name}: {facts()}")
    try:
        run(options.small)
    except (Problem, PromiseBroken) as problem:
        sys.stderr.write(f"\n{problem}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
