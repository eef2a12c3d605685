"""The mail with a temporary password comes back: an agent looks, and the secret goes out anew to another address."""

import asyncio
import smtplib
from dataclasses import replace
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any

import httpx

from local.journeys.account import sign_in
from local.journeys.asking import decide
from local.journeys.narrator import Narrator
from local.journeys.portal import Portal, Someone, code_in, now
from local.journeys.ramq.mandating import mandate_again
from local.journeys.ramq.processing import TEMPORARY_PASSWORD, first_sign_in, process, two_mails
from local.journeys.ramq.stage import Journey, cast
from local.stack import Stack
from tests.fixtures.patience import PATIENCE


def come_back(port: int, mail: dict[str, Any]) -> None:
    """Say to the server for reports that nobody has the mail's address, as the mail host does by LMTP."""
    report = MIMEMultipart("report", report_type="delivery-status")
    report["From"], report["To"], report["Subject"] = "MAILER-DAEMON@relay.example", mail["from"], "Undelivered mail"
    report.attach(MIMEText("The mail below was not delivered."))
    status = EmailMessage()
    status.set_type("message/delivery-status")
    whose, failed = EmailMessage(), EmailMessage()
    whose["Reporting-MTA"] = "dns; relay.example"
    failed["Final-Recipient"] = f"rfc822; {mail['to'][0]}"
    failed["Action"], failed["Status"] = "failed", "5.1.1"
    status.set_payload([whose, failed])
    report.attach(status)
    with smtplib.LMTP("127.0.0.1", port) as host:
        host.sendmail("", [mail["from"]], report.as_bytes())


async def bounce_and_send_anew(stack: Stack) -> None:
    """Approve a mandate of the French professional; the delegate's mail bounces, and an agent gives another address.

    Raises PromiseBroken where the review, the mail or the sign-in does not come, or the old secret still works.
    """
    delegate = Someone("introuvable.demo@example.org", "cinq boîtes aux lettres", "Démo", "Introuvable", "fr")
    reached = replace(delegate, email="retrouvee.demo@example.org")
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        silent = Narrator(say=lambda _: None, colour=False)
        journey = Journey(Portal(stack, silent, http), silent, cast("fr"))
        portal, who = journey.portal, journey.cast.professional
        await sign_in(journey, who)
        profiles = await portal.call(who, "linking", "GET", "/v1/profiles", expect=200)
        who.profile = profiles["items"][0]["contact_id"]
        mandate_id, since = await mandate_again(journey, who, delegate), now()
        agent = await process(journey, who, mandate_id)
        user_name, dead = await two_mails(journey, who, delegate, since)
        mail = await journey.portal.mail(delegate.email, since, "the temporary password", TEMPORARY_PASSWORD)
        await asyncio.to_thread(come_back, stack.ports.bounces, mail)

        async def review() -> Any:
            queue = await portal.call(agent, "authorizations", "GET", "/v1/requests?kind=review", expect=200)
            return next((one for one in queue["items"] if one["reason"] == "bounce"), None)

        found, since = await portal.until(review, "the review of the bounce"), now()
        bounced = found["asked"]["bounce"]
        silent.holds((bounced["half"], bounced["email"]) == ("temporary_password", delegate.email), "it says of what")
        await decide(portal, agent, found["request_id"], {"outcome": "approve", "email": reached.email})
        anew = await journey.portal.mail(reached.email, since, "another temporary password", TEMPORARY_PASSWORD)
        terms = await portal.call(reached, "accounts", "GET", "/v1/terms", expect=200)
        body = {"login": user_name, "password": dead}
        await portal.call(reached, "accounts", "POST", "/v1/sessions", json=body, expect=401)
        body |= {"new_password": delegate.password, "terms_version": terms["version"]}
        await portal.call(reached, "accounts", "POST", "/v1/first-sign-ins", json=body, expect=401)
        await first_sign_in(journey, reached, user_name, code_in(anew, TEMPORARY_PASSWORD))
