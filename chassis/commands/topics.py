"""python -m services.NAME topics: for brokers of others, where no operator makes topics from the contracts.

It needs MANDAT_KAFKA_… and MANDAT_TOPIC_PREFIX, and nothing else of the service.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from aiokafka.errors import KafkaError

from chassis import settings as environment
from chassis import telemetry
from chassis.commands.answers import FAULTY, NOT_WELL, WELL, complain
from chassis.kafka import Clients
from chassis.program import program
from chassis.settings import KafkaSettings
from chassis.topics import PATIENCE, Wanted, differences, make
from chassis.waiting import Told
from contracts import flow


def main(service: str, arguments: Sequence[str]) -> int:
    """Make and compare. Returns 0 when the topics are as the contracts say, 1 when not, 2 for a wrong command line."""
    asked = _parser(service).parse_args(arguments)
    telemetry.configure(service, "CRITICAL")  # what aiokafka says of each look is said here, once in a while
    try:
        settings = environment.read(KafkaSettings)
        wanted = Wanted(settings.topic_prefix, flow.topics_of(service), replicas=asked.replicas)
        return asyncio.run(_carry_out(Clients.of(settings), wanted, asked))
    except (KafkaError, TimeoutError) as error:
        return complain(f"not finished: {type(error).__name__}: {error}")
    except FAULTY as error:
        return complain(str(error))


def _parser(service: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program(service, "topics"),
        description="Make the topics that the service publishes on, where they are missing, and say which differ from "
        "the contracts. Nothing that is there is changed. See docs/operations/kafka.md.",
    )
    parser.add_argument(
        "--replicas", type=_positive, metavar="N", help="of each partition; by default 3, or as many as brokers"
    )
    parser.add_argument("--tolerant", action="store_true", help="differences are told, and no failure")
    parser.add_argument("--wait", type=_positive, default=int(PATIENCE), metavar="SECONDS", help="for the brokers")
    return parser


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**15):
        raise argparse.ArgumentTypeError("not a number above 0")
    return int(text)


async def _carry_out(clients: Clients, wanted: Wanted, asked: argparse.Namespace) -> int:
    told = Told()

    def say(why: str) -> None:
        if told.is_worth_saying(why):
            sys.stderr.write(f"waits for Kafka: {why}\n")

    made = await make(clients, wanted, asked.wait, say)
    for name in made:
        print(f"made {name}")
    found = await differences(clients, wanted)
    for words in found:
        print(words)
    print(
        f"{len(wanted.topics)} topics, {len(made)} made now: {'as the contracts say' if not found else 'some differ'}"
    )
    return NOT_WELL if found and not asked.tolerant else WELL
