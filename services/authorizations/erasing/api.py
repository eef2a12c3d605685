"""POST /v1/contacts/{id}/erasure, for agents."""

from uuid import UUID

from chassis.fields import Body
from chassis.gateway import AgentCaller, router
from services.authorizations.erasing import handlers
from services.authorizations.erasing.handlers import ErasureReason
from services.authorizations.profile import AuthorizationsCall

routes = router()


class ErasureBody(Body):
    """A code and no free text, which would hold names; kept in the audit."""

    reason: ErasureReason


@routes.post("/v1/contacts/{contact_id}/erasure", status_code=204, summary="Erase a contact’s person")
async def post_erasure(call: AuthorizationsCall, _: AgentCaller, contact_id: UUID, body: ErasureBody) -> None:
    """For agents; audited; for good. Name, address, telephones and client number go here and in every service.

    So do the files that came with forms about it, and what ended requests by which the contact came said of the person;
    not what was signed, which is kept as long as the agency's data say. Nobody writes on the contact or has it act any
    more; its link ends, so that its account may become another contact of the organization.

    Ids, dates and the audit stay. An extract that still names the person makes a new contact. Repeating tells
    every service again, which one needs that was restored from before.

    Problems: not_found (404), contact_still_acts (409; its relations are not over).
    """
    await call.run(handlers.erase, handlers.Erase(contact_id, body.reason))
