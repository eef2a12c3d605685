"""Mails that a budget held back: counted, so that nobody loses word of anything, and told of together afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import get_args
from uuid import UUID

import structlog

from chassis.database import Connection, Pool
from chassis.work import Work
from contracts.notifications import MailBudget, MailRequest
from services.authorizations import metrics
from services.authorizations.tools import Tools

log = structlog.get_logger()

BUDGETS: tuple[MailBudget, ...] = get_args(MailBudget)

KEEP: Mapping[MailBudget, str] = {
    budget: f"""
insert into held_mails as h (day, mailbox, recipient_id, organization_id, {budget}) values ($1, $2, $3, $4, 1)
on conflict (day, mailbox, recipient_id, organization_id) do update set {budget} = h.{budget} + 1
"""
    for budget in BUDGETS
}

TAKE = """
delete from held_mails where (day, mailbox) in (
    select distinct day, mailbox from held_mails where day < $1 order by day, mailbox limit $2
) returning *
"""


@dataclass(frozen=True)
class Held:
    """What was held back from one reader about one organization on one day: how many mails, by budget."""

    day: date
    mailbox: bytes
    recipient_id: UUID
    organization_id: UUID
    numbers: Mapping[MailBudget, int]


async def keep(
    work: Work[Tools],
    budget: MailBudget,
    mail: type[MailRequest],
    mailbox: bytes,
    recipient_id: UUID,
    organization_id: UUID,
) -> None:
    """Note that one was held back from a mailbox, which is named by its keyed digest."""
    await work.connection.execute(KEEP[budget], work.today, mailbox, recipient_id, organization_id)

    def say() -> None:
        metrics.HELD_BACK.labels(budget).inc()
        log.info("mail held back", budget=budget, mail=mail.mail, organization_id=str(organization_id))

    work.afterwards(say)


async def any_of_before(pool: Pool, day: date) -> bool:
    """Whether anything waits that was held back before a day."""
    found: bool = await pool.fetchval("select exists (select from held_mails where day < $1)", day)
    return found


async def take(connection: Connection, day: date, limit: int) -> list[Held]:
    """Take out what was held back before a day from so many mailboxes; nobody else gets it."""
    rows = await connection.fetch(TAKE, day, limit)
    return [
        Held(
            row["day"],
            row["mailbox"],
            row["recipient_id"],
            row["organization_id"],
            {budget: row[budget] for budget in BUDGETS if row[budget]},
        )
        for row in rows
    ]
