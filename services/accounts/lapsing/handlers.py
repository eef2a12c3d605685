"""An account that was never linked lapses, after a notice that always comes first."""

from datetime import timedelta

from chassis.work import Work
from contracts.linking import ProfileLinked
from contracts.notifications import AccountLapsedMail, AccountLapsingMail
from services.accounts import mailing
from services.accounts.deactivations.handlers import deactivate
from services.accounts.lapsing import storage
from services.accounts.people import storage as people
from services.accounts.people.handlers import OwnAccount
from services.accounts.tools import Tools

AT_ONCE = 100  # accounts in one transaction; the rest a moment later


async def follow_link(work: Work[Tools], linked: ProfileLinked) -> None:
    """An account that was linked once never lapses, also if the link ends: what hung on it may still be asked about."""
    await storage.linked(work.connection, linked.account_id)


async def tell(work: Work[Tools], _: None) -> int:
    """Tell the persons of unlinked accounts on which day these lapse. Returns how many were told now."""
    rules = work.tools.agency.accounts.unlinked_accounts
    if rules is None:
        return 0
    whole, notice = timedelta(days=rules.lapse_after_days), timedelta(days=rules.notice_days)
    told = await storage.tell(work.connection, work.now - (whole - notice), work.now, AT_ONCE)
    for account_id, unlinked_since in told:
        person = await people.person(work.connection, account_id)
        lapses_at = max(unlinked_since + whole, work.now + notice)
        mailing.ask(
            work,
            AccountLapsingMail,
            mailing.news(work, account_id, keeps=notice),
            person,
            mailing.to(person),
            lapses_on=work.day(lapses_at),
        )
        work.audit("account_lapse_told", object_id=account_id)
    return len(told)


async def lapse(work: Work[Tools], _: None) -> int:
    """Deactivate the accounts whose time is over and whose persons were told in time. Returns how many."""
    rules = work.tools.agency.accounts.unlinked_accounts
    if rules is None:
        return 0
    opened_before = work.now - timedelta(days=rules.lapse_after_days)
    told_before = work.now - timedelta(days=rules.notice_days)
    accounts = await storage.overdue(work.connection, opened_before, told_before, AT_ONCE)
    for account in accounts:
        own = OwnAccount(account, await people.person(work.connection, account.account_id))
        await deactivate(work, own, "never_linked")
        news = mailing.news(work, account.account_id)
        mailing.ask(work, AccountLapsedMail, news, own.person, mailing.to(own.person))
    return len(accounts)
