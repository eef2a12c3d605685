"""The command line of ./mandat. Imports nothing that is not in Python itself until a command needs it."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import FrameType

from local import ROOT, Problem
from local.images import BASE, VERSION

DESCRIPTION = "Mandat on this machine: a real Kafka, a real PostgreSQL, an inbox for the mails, and the four services."
EPILOG = """\
demo   plays the guide's journeys against a fresh stack and shows each step; exit code 0 if all held
up     starts the stack and stays until Ctrl-C (or ./mandat down); its data stay in .mandat/data/AGENCY
faults breaks a loaded stack of its own for some minutes; exit code 0 if nothing was lost, doubled or out of order
import brings in organizations, contacts and relations, or former credentials: ./mandat import --dry-run extract.csv
run    runs a service's command with the stack's settings: ./mandat run linking dead-letters list
audit  asks each service, or one, whether its audit is still what was sealed; exit code 0 if all are
images builds the images of the four services for one agency
cluster-test installs, breaks, upgrades and removes everything on a Kubernetes at hand; about 15 minutes
test   runs the checks that a change must pass; PART is one or more of them

Everything that is made lives below .mandat/; removing that folder undoes all of it."""

DOWN = """\
Stops the stack that ./mandat up or ./mandat demo runs in another terminal, and waits until it has stopped.
The data of up stay in .mandat/data/AGENCY; the inbox is empty afterwards."""

LOGS = """\
Prints a log of the stack that runs, or ran last.
SERVICE is accounts, linking, authorizations, notifications, kafka, postgres, or outside: the inbox and the demo issuer.

  ./mandat logs -f linking"""

RUN = """\
Runs one of a service's commands with the settings of the stack that ./mandat up keeps in another terminal.
Its exit code is the command's. Without a command, the service names those that it has.

  ./mandat run linking dead-letters list
  ./mandat run accounts audit verify"""

CLUSTER = """\
Builds the images of two commits, installs the chart on the Kubernetes that kubectl reaches, beside stand-ins of Kafka,
PostgreSQL and a mail host, plays the guide of CCQ there, kills pods under load, upgrades, fails an upgrade, rolls back
and uninstalls; then docs/operations/cluster-test.md says what was seen. Exit code 0 if every step held, 1 if one did
not, 2 if something is lacking to begin. docs/operations/try-on-a-cluster.md says what it needs.

  ./mandat cluster-test --from v0.1.0
  ./mandat cluster-test --load 'kind load docker-image'"""

IMPORT = """\
Brings files in beside the stack that ./mandat up keeps in another terminal. The first line of each says what it is:
an extract of organizations, contacts and relations, or former credentials; CSV or NDJSON. A file may be sent again.
Exit code 1: a row was rejected; what is wrong is told by line and reason, and the others stand. docs/how-to/import.md
has the fields.

  ./mandat import --dry-run organizations.csv contacts.csv relations.csv"""


IMAGES = """\
Builds the platform's image and those of the four services with one agency's folder, by Docker. What follows -- is told
to each `docker build`.

  ./mandat images --agency ccq --registry registry.example.org/mandat --push
  ./mandat images -- --network=host"""


def main(arguments: Sequence[str]) -> int:
    """Runs one command.

    Returns the exit code; what a person can act on is one sentence, without a traceback.
    """
    options = _parser().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores it on purpose
            signal.signal(number, _interrupt)
    try:
        return _run(options)
    except Problem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(options: argparse.Namespace) -> int:
    match options.command:
        case "test":
            from local import checks  # noqa: PLC0415

            return checks.run(options.parts, keep_going=options.keep_going, crds=options.crds)
        case "faults":
            from tests.faults import command  # noqa: PLC0415

            return command.main(options.minutes, options.seed, _agency(options.agency) if options.agency else None)
        case "cluster-test":
            from tests.cluster import command as cluster  # noqa: PLC0415

            return cluster.main(options)
        case "down":
            from local import running  # noqa: PLC0415

            return running.stop()
        case "logs":
            from local import logs  # noqa: PLC0415

            return logs.show(options.service, follow=options.follow)
        case _:
            return _run_for_agency(options, _agency(options.agency))


def _run_for_agency(options: argparse.Namespace, agency: str) -> int:
    if options.command == "images":
        from local import images  # noqa: PLC0415

        wanted = images.Build(agency, options.tag, options.base, options.registry, options.build_options)
        return images.build(wanted, push=options.push)

    from local import commands  # noqa: PLC0415 (needs the environment, which images does without)

    match options.command:
        case "run":
            return commands.run(agency, options.service, options.arguments)
        case "audit":
            return commands.verify_audit(agency, options.service, options.heads)
        case "import":
            return commands.bring_in(agency, options.files, dry_run=options.dry_run)
        case "up":
            return commands.up(agency, fresh=options.fresh, shift_ports=options.shift_ports)
        case _:
            return commands.demo(agency, shift_ports=options.shift_ports)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./mandat",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    agency = argparse.ArgumentParser(add_help=False)
    agency.add_argument("--agency", default="ccq", metavar="NAME", help="a folder in agencies/ (default: ccq)")

    ports = argparse.ArgumentParser(add_help=False)
    ports.add_argument(
        "--shift-ports",
        type=int,
        default=0,
        metavar="N",
        help="every port N higher than usual (gateways 8101 to 8104, inbox 8026, Kafka 19092, …), where one is taken",
    )

    commands.add_parser("demo", parents=[agency, ports], help="play the guide's journeys, step by step")
    up = commands.add_parser("up", parents=[agency, ports], help="start the stack and keep it running until Ctrl-C")
    up.add_argument("--fresh", action="store_true", help="forget the data of earlier runs first")
    explained = partial(commands.add_parser, formatter_class=argparse.RawDescriptionHelpFormatter)
    explained("down", description=DOWN, help="stop the stack that ./mandat up, or a demo, runs in another terminal")
    logs = explained("logs", description=LOGS, help="print a log of the last stack")
    logs.add_argument("service", metavar="SERVICE", help="whose log")
    logs.add_argument("-f", "--follow", action="store_true", help="go on printing until Ctrl-C")
    run = explained(
        "run", description=RUN, parents=[agency], help="run a service's command beside the stack that up keeps"
    )
    run.add_argument("service", metavar="SERVICE", help="accounts, linking, authorizations or notifications")
    run.add_argument("arguments", metavar="COMMAND …", nargs=argparse.REMAINDER, help="the command and what it takes")
    audit = commands.add_parser("audit", help="look whether the audit was changed, beside the stack that up keeps")
    verify = audit.add_subparsers(dest="what", required=True, metavar="WHAT").add_parser(
        "verify", parents=[agency], help="compute the chains anew and compare them with the published heads"
    )
    verify.add_argument("--service", metavar="S", help="one service only")
    verify.add_argument("--heads", type=_named, metavar="FILE", help="heads that were kept: run SERVICE audit heads")
    bring_in = explained(
        "import", description=IMPORT, parents=[agency], help="bring an agency's extract in, beside that stack"
    )
    bring_in.add_argument("--dry-run", action="store_true", help="report everything and change nothing")
    bring_in.add_argument(
        "files",
        type=_named,
        nargs="+",
        metavar="FILE",
        help="as many as there are; those of one extract in any order",
    )
    images = explained("images", description=IMAGES, parents=[agency], help="build the services' images by Docker")
    images.add_argument("--tag", default=VERSION, metavar="T", help=f"instead of {VERSION}; -AGENCY follows it")
    images.add_argument("--base", default=BASE, metavar="IMAGE", help=f"what they stand on (default: {BASE})")
    images.add_argument("--registry", default="", metavar="R", help="what their names begin with")
    images.add_argument("--push", action="store_true", help="push them there, and print their digests")
    images.add_argument("build_options", nargs="*", metavar="-- OPTION", help="what docker build is told besides")
    faults = commands.add_parser("faults", help="load a stack of its own, break it, and look for broken promises")
    faults.add_argument("--minutes", type=float, default=5.0, metavar="N", help="how long (default: 5)")
    faults.add_argument("--seed", type=int, metavar="S", help="repeats the schedule of a run that named it")
    faults.add_argument(
        "--agency", metavar="NAME", help="a folder in agencies/ (default: one after another, by the seed)"
    )
    cluster = explained(
        "cluster-test", description=CLUSTER, help="try everything on a Kubernetes at hand, and write what was seen"
    )
    cluster.add_argument("--minutes", type=float, default=3.0, metavar="N", help="of killing pods (default: 3)")
    cluster.add_argument("--seed", type=int, metavar="S", help="repeats the schedule of a run that named it")
    cluster.add_argument(
        "--from", dest="since", default="HEAD~1", metavar="COMMIT", help="what is installed first (default: HEAD~1)"
    )
    cluster.add_argument("--to", default="HEAD", metavar="COMMIT", help="what it is upgraded to (default: HEAD)")
    cluster.add_argument("--base", default=BASE, metavar="IMAGE", help=f"what images stand on (default: {BASE})")
    cluster.add_argument(
        "--load", default="", metavar="COMMAND", help="what brings an image, named last, from Docker to the nodes"
    )
    cluster.add_argument("--namespace", default="cluster-test", metavar="NAME", help="default: cluster-test; made anew")
    cluster.add_argument(
        "--patience", type=float, default=600.0, metavar="S", help="seconds for anything to become ready (default: 600)"
    )
    cluster.add_argument("--keep", action="store_true", help="leave the namespace to be looked at")
    cluster.add_argument(
        "--only", action="append", default=[], metavar="PART", help="images, journey or load; then no page is written"
    )
    cluster.add_argument("build_options", nargs="*", metavar="-- OPTION", help="what docker build is told besides")
    test = commands.add_parser("test", help="run the checks that a change must pass")
    test.add_argument(
        "parts",
        metavar="PART",
        nargs="*",
        help="format, lint, types, imports, generated, tests (default: all)",
    )
    test.add_argument("--keep-going", action="store_true", help="run the other parts although one failed")
    test.add_argument(
        "--crds",
        type=_named,
        metavar="FOLDER",
        help="the operators' CustomResourceDefinitions as JSON Schemas, to hold the chart to them too",
    )
    return parser


def _agency(name: str) -> str:
    """The name, if agencies/ has such a folder. Raises Problem, which lists those that it has."""
    folder = ROOT / "agencies"
    known = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if name not in known:
        raise Problem(f"There is no agency {name!r}; agencies/ has: {', '.join(known) or 'none'}.")
    return name


def _named(file: str) -> Path:
    """A file as a person names it: seen from the folder in which ./mandat was started."""
    return Path(os.environ.get("MANDAT_STARTED_IN", "."), file)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
