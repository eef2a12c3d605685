"""`python -m contracts.kafka_acls`: the rights of acls.py as commands of Kafka's own tool, for brokers that no operator
of Kubernetes looks after. What it prints can be run again: a right that is there stays there.
"""

import argparse
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence

from contracts import acls, flow
from contracts.acls import Acl
from contracts.topics import TOPICS

TOOL = "kafka-acls.sh --bootstrap-server $SERVERS --command-config $ADMIN --add"
"""$SERVERS and $ADMIN, a file of client settings, are left to whoever runs it."""


def lines(principal: str, allowed: Iterable[Acl], prefix: str = "") -> Iterator[str]:
    """A command for each right; `prefix` stands before the names of topics and groups."""
    for acl in allowed:
        operations = " ".join(f"--operation {operation}" for operation in acl.operations)
        pattern = "" if acl.pattern == "literal" else f" --resource-pattern-type {acl.pattern}"
        name = shlex.quote(prefix + acl.name)
        yield f"{TOOL} --allow-principal {shlex.quote(principal)} {operations} --{acl.resource} {name}{pattern}"


def main(arguments: Sequence[str]) -> int:
    """Print the commands. Returns the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m contracts.kafka_acls", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--prefix", default="", help="what MANDAT_TOPIC_PREFIX says")
    parser.add_argument("--principal", default="User:{}", metavar="FORM", help="with {} for a name; default User:{}")
    parser.add_argument("--make-topics", action="store_true", help="what the command `topics` needs besides")
    parser.add_argument("--subscriber", metavar="NAME", help="another system of the agency, instead of the services")
    parser.add_argument("--auditor", metavar="NAME", help="who verifies the audits, instead of the services")
    parser.add_argument("--topic", action="append", choices=[topic.name for topic in acls.SUBSCRIBABLE])
    asked = parser.parse_args(arguments)
    if asked.topic and not asked.subscriber:
        parser.error("--topic is a subscriber's")
    if asked.auditor and asked.subscriber:
        parser.error("--auditor and --subscriber are two: one at a time")
    if asked.auditor:
        rights = {asked.auditor: acls.of_auditor()}
    elif asked.subscriber:
        topics = [topic for topic in TOPICS if topic.name in asked.topic] if asked.topic else acls.SUBSCRIBABLE
        try:
            rights = {asked.subscriber: acls.of_subscriber(asked.subscriber, topics)}
        except ValueError as error:
            parser.error(str(error))
    else:
        rights = {
            service: (*acls.of_service(service), *(acls.of_maker(service) if asked.make_topics else ()))
            for service in flow.SERVICES
        }
    for name, allowed in rights.items():
        for line in lines(asked.principal.replace("{}", name), allowed, asked.prefix):
            sys.stdout.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
