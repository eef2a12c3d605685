"""While a mail travels no transaction is open, and its trace is that of the request that asked for it."""

from typing import Any

from uuid_utils.compat import uuid7

from chassis import tracing
from contracts.cloudevents import Envelope, read_envelope, read_event
from contracts.notifications import VerificationCodeMail
from services.notifications.tests.host import Fault
from services.notifications.tests.rig import START, Rig, code_mail
from tests.fixtures.spans import Spans

OPEN = (
    "select pid, xact_start from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null"
)


async def open_transactions(rig: Rig) -> set[Any]:
    return {tuple(row) for row in await rig.unit.pool.fetch(OPEN)}


async def test_no_transaction_is_open_while_a_mail_travels(rig: Rig) -> None:
    rig.host.acts["message"] = Fault.SILENCE
    request = await rig.request(code_mail())
    rig.send()
    await rig.host.reached("message")
    begun = await open_transactions(rig)

    async def all_have_ended() -> bool:  # short ones come and go: the sender looks for more
        return not begun & await open_transactions(rig)

    await rig.until(all_have_ended)
    assert rig.host.taken == []
    rig.host.speak()
    await rig.reaches(request, "sent")


async def test_a_mail_on_its_way_belongs_to_the_trace_of_the_request_that_asked_for_it(rig: Rig, spans: Spans) -> None:
    with tracing.serving("POST", None) as asking:
        traceparent = tracing.current()
    mail = code_mail()
    envelope = Envelope.around(mail, id=uuid7(), source="urn:mandat:test", time=START, traceparent=traceparent)
    read = read_event(read_envelope(envelope.headers()), mail.key.encode(), mail.model_dump_json().encode())
    assert isinstance(read, VerificationCodeMail)

    await rig.request(read)
    rig.send()
    await rig.reaches(mail, "sent")

    carried = spans.one("send mail verification_code").context
    assert carried is not None and carried.trace_id == asking.get_span_context().trace_id
