"""`python -m deploy.sizing ACCOUNTS [--NAME VALUE …]`: what a deployment of so many accounts needs, by arithmetic.

The figures were measured (bench/README.md, "Last measured", on 2 shared cores) or follow from such a one as their line
says. Load is assumed, and so is what nobody has measured yet; each assumption is an option, so that an agency puts its
own in its place. Nothing is started.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from math import ceil

KB, GB = 1e3, 1e9
WORKING_HOURS = 22 * 8 * 3600  # seconds of a month in which changes are made

# Measured. Seconds of one core unless said otherwise.
CHECK_IN_GATEWAY = 160e-6  # bench check, 16 callers: 139 to 160 µs
CHECK_IN_POSTGRES = 53e-6  # bench check, 16 callers: 44 to 53 µs
HASH = 2 / 22 - 2 / 61  # bench burst: registrations a second on two cores, with Argon2id and without
LIST_IN_POSTGRES = 16e-3  # bench lists, "of it a core": the plain lists take 3 to 16 ms, those that search up to 40
MESSAGES = 2_175  # a second, one process with relay and doors beside its servers: bench handlers, one by one
RELAYED = 9_332  # rows a second, one process: bench relay
MAILS = 2_243  # a second, one process: bench sender
IMPORTED = 4_636  # rows of an extract a second: bench imports
CODES_BY_MAIL = 20  # a second at most, by intent: services/authorizations/linking_codes, bench bulk
MEMORY_OF_RIGHTS = 2.0  # GB of shared_buffers for a million contacts, 5 million rights: docs/operations/databases.md
DATA_OF_RIGHTS = 3.0  # GB of tables and indexes of the same, without the constraints against overlaps

EVENT, CONTACT, PERSON, HEAD, MAIL = 0.75 * KB, 1.4 * KB, 0.7 * KB, 0.55 * KB, 2.5 * KB
"""Bytes of a record with key and headers, as the golden examples have them, rounded up."""

USED = 0.7  # of a core at the busiest moment; the rest is for a pod that is missing and for what was not foreseen
FREE = 2  # times the space that is used


@dataclass(frozen=True)
class Assumed:
    """What an agency knows better."""

    accounts: int
    contacts_per_account: float = 1.3
    peak_hour: float = 0.05  # share of all accounts that sign in within the busiest hour, such as on a deadline's day
    burst: float = 3  # how much more the busiest minute of that hour brings than its mean
    visits: float = 2  # of an account, a month
    refreshes: float = 3  # of a visit's token, which lives 5 minutes
    lists: float = 2  # pages of lists, of a visit
    checks: float = 30  # that the agency's systems ask about a visitor
    calls: float = 6  # others of a visit: two each at accounts, linking and authorizations
    call_ms: float = 5  # of a core in a gateway, for a call that is no check; not measured apart
    query_ms: float = 1  # of a core in PostgreSQL, for the same
    changes: float = 1  # of an account's rights, contacts or profile, a month
    records: float = 6  # on all topics, of a change
    handled: float = 8  # messages in all services, of a change
    mails: float = 1.5  # of a change
    audit_kb: float = 1  # of an entry with its indexes; a change leaves two, a visit two
    account_kb: float = 3  # in accounts, and as much of a contact in linking and of a mail in notifications

    @property
    def contacts(self) -> float:
        return self.accounts * self.contacts_per_account

    @property
    def visits_a_second(self) -> float:
        """In the busiest minute."""
        return self.accounts * self.peak_hour / 3600 * self.burst

    @property
    def changes_a_second(self) -> float:
        """In the busiest minute of an ordinary working day."""
        return self.accounts * self.changes / WORKING_HOURS * self.burst


@dataclass(frozen=True)
class Need:
    """What follows. Cores are those of the busiest minute; gigabytes are of one year, before FREE."""

    gateways: Mapping[str, float]
    postgres: Mapping[str, float]
    messages: float
    mails: float
    kafka: float
    storage: Mapping[str, float]
    shared_buffers: float
    import_hours: float
    codes_days: float


def need(of: Assumed) -> Need:
    """The arithmetic."""
    call, query, visits, changes = of.call_ms / 1e3, of.query_ms / 1e3, of.visits_a_second, of.changes_a_second
    third = of.calls / 3
    gateways = {
        "accounts": visits * (HASH + (1 + of.refreshes + third) * call),
        "linking": visits * third * call,
        "authorizations": visits * (of.checks * CHECK_IN_GATEWAY + (of.lists + third) * call),
        "notifications": visits * 0.2 * call,  # who waits for a mail asks how it is
    }
    writing = changes * of.handled * query
    postgres = {
        "accounts": visits * (2 + of.refreshes + third) * query + writing / 4,
        "linking": visits * third * query + writing / 4,
        "authorizations": visits * (of.checks * CHECK_IN_POSTGRES + of.lists * LIST_IN_POSTGRES + third * query)
        + writing / 2,
        "notifications": changes * of.mails * 3 * query,
    }
    week = of.accounts * of.changes / 22 * 7  # changes of seven busy days
    states = of.contacts * (CONTACT + EVENT / 4) + of.accounts * PERSON
    heads = of.accounts * (2 * of.changes + 2 * of.visits) * HEAD
    kafka = (week * (of.records * EVENT + of.mails * MAIL) + 2 * states + heads) / GB
    year = 12 * of.accounts * of.audit_kb * KB / GB
    row = of.account_kb * KB / GB
    storage = {
        "accounts": of.accounts * row + 2 * of.visits * year,
        "linking": of.contacts * row + of.changes * year / 2,
        "authorizations": 2 * DATA_OF_RIGHTS * of.contacts / 1e6 + 2 * of.changes * year,
        "notifications": 3 * of.accounts * of.changes * of.mails * row,  # three months of mails
    }
    return Need(
        gateways, postgres, changes * of.handled, changes * of.mails, kafka, storage,
        shared_buffers=MEMORY_OF_RIGHTS * of.contacts / 1e6,
        import_hours=2.5 * of.contacts / IMPORTED / 3600,
        codes_days=of.contacts / CODES_BY_MAIL / 86_400,
    )  # fmt: skip


def lines(of: Assumed) -> Iterator[str]:
    """A table in Markdown."""
    found = need(of)
    yield f"| {of.accounts:,} accounts | needs | what that is |"
    yield "|---|---|---|"
    yield f"| visits begun a second, busiest minute | {of.visits_a_second:,.1f} | assumed |"
    yield f"| access checks a second | {of.visits_a_second * of.checks:,.0f} | assumed |"
    for service, cores in found.gateways.items():
        yield f"| gateway of {service}, cores | {cores:.2f} | at most {USED} of each: {ceil(cores / USED)} |"
    for service, cores in found.postgres.items():
        yield f"| PostgreSQL of {service}, cores | {cores:.2f} | at most {USED} of each: {ceil(cores / USED)} |"
    yield f"| messages handled a second | {found.messages:,.1f} | one worker takes {MESSAGES:,} |"
    yield f"| mails a second | {found.mails:,.1f} | one worker sends {MAILS:,} |"
    yield f"| Kafka, GB of one copy of everything | {found.kafka:,.1f} | of storage: {found.kafka * FREE:,.0f} |"
    for service, size in found.storage.items():
        yield f"| PostgreSQL of {service}, GB after a year | {size:,.1f} | of storage: {size * FREE:,.0f} |"
    shared = found.shared_buffers
    yield f"| shared_buffers of authorizations, GB | {shared:,.1f} | of memory: {shared * 4:,.0f} |"
    yield f"| first import, hours | {found.import_hours:,.1f} | {IMPORTED:,} rows a second, 2.5 rows a contact |"
    yield f"| a linking code to everybody, days | {found.codes_days:,.1f} | {CODES_BY_MAIL} a second at most |"


def main(arguments: Sequence[str]) -> int:
    """Print the table for the numbers given."""
    parser = argparse.ArgumentParser(prog="python -m deploy.sizing", description=__doc__.split("\n\n")[0])
    parser.add_argument("accounts", type=int)
    for field in fields(Assumed)[1:]:
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=float, default=field.default, metavar="N")
    sys.stdout.write("\n".join(lines(Assumed(**vars(parser.parse_args(arguments))))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
