"""GET /v1/contacts/{id}."""

from uuid import UUID

from fastapi import Response

from chassis.gateway import router
from chassis.versions import etag
from services.authorizations.contacts import views
from services.authorizations.contacts.handlers import OpenContact, open_contact
from services.authorizations.contacts.views import ContactView
from services.authorizations.profile import Asking, AuthorizationsCall

routes = router()


@routes.get("/v1/contacts/{contact_id}", summary="One contact, opened")
async def get_contact(contact_id: UUID, asker: Asking, call: AuthorizationsCall, response: Response) -> ContactView:
    """All its fields, relations and rights, ended ones too, and whether an account is linked. ETag for later changes.

    Another person's file: the look is audited.
    """
    opened = await call.run(open_contact, OpenContact(contact_id, asker.acting))
    response.headers["ETag"] = etag(opened.contact.version)
    return views.view(call, opened)
