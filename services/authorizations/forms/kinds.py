"""What each kind of form does here: where it is sent, where what it is about is listed, what follows for choices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.agency.forms import FormKind
from contracts.agency.managing import Act


@dataclass(frozen=True, kw_only=True)
class Use:
    """How forms of a kind are used.

    `sent_to`: the routes that take it; several: for somebody new, for a contact that exists, for one relation.
    `about_at`: where the contacts, blocks or requests are listed, one of which stands in the route's path; of requests
    those of the form's kind. `act`: what it does to somebody for a reason of the agency's. `gives_function`: by it
    somebody is given a function in the organization itself. `between_organizations`: it is about a relation of two.
    """

    sent_to: Sequence[str]
    about_at: str | None = None
    act: Act | None = None
    gives_function: bool = False
    between_organizations: bool = False


CONTACTS = "/v1/organizations/{organization_id}/contacts?active=true"
ADMINISTRATORS = "/v1/organizations/{organization_id}/administrators"

USES: Mapping[FormKind, Use] = {
    "addition": Use(
        sent_to=(
            "POST /v1/organizations/{organization_id}/contacts",
            "POST /v1/contacts/{contact_id}/relations",
            "POST /v1/relations/{relation_id}/rights",
        ),
        about_at=CONTACTS,
        gives_function=True,
    ),
    "removal": Use(sent_to=("POST /v1/contacts/{contact_id}/removals",), about_at=CONTACTS),
    "correction": Use(sent_to=("PATCH /v1/contacts/{contact_id}",), about_at=CONTACTS),
    "representation": Use(
        sent_to=(
            "POST /v1/organizations/{organization_id}/relations",
            "POST /v1/relations/{relation_id}/rights",
        ),
        between_organizations=True,
    ),
    "representation_end": Use(sent_to=("POST /v1/relations/{relation_id}/end",), between_organizations=True),
    "recertification": Use(sent_to=("POST /v1/organizations/{organization_id}/recertification",)),
    "decision": Use(
        sent_to=("POST /v1/requests/{request_id}/decision",),
        about_at="/v1/organizations/{organization_id}/requests",
        gives_function=True,
    ),
    "invitation": Use(sent_to=("POST /v1/organizations/{organization_id}/invitations",), gives_function=True),
    "block": Use(sent_to=("POST /v1/organizations/{organization_id}/blocks",), act="block"),
    "unblock": Use(
        sent_to=("DELETE /v1/organizations/{organization_id}/blocks/{block_id}",),
        about_at="/v1/organizations/{organization_id}/blocks?stands=true",
    ),
    "appointment": Use(sent_to=(f"POST {ADMINISTRATORS}",), act="appointment"),
    "release": Use(sent_to=(f"POST {ADMINISTRATORS}/{{contact_id}}/release",), about_at=ADMINISTRATORS, act="release"),
    "replacement": Use(
        sent_to=(f"POST {ADMINISTRATORS}/{{contact_id}}/replacement",), about_at=ADMINISTRATORS, act="replacement"
    ),
    "mandate": Use(sent_to=("POST /v1/mandates",)),
    "mandate_correction": Use(
        sent_to=("POST /v1/mandates/{mandate_id}/correction",), about_at="/v1/mandates?state=returned"
    ),
    "mandate_renewal": Use(sent_to=("POST /v1/mandates/{mandate_id}/renewal",), about_at="/v1/mandates?state=decided"),
    "mandate_revocation": Use(
        sent_to=("POST /v1/mandates/{mandate_id}/revocation",), about_at="/v1/mandates?state=decided"
    ),
    "signature": Use(sent_to=("POST /v1/mandates/{mandate_id}/signatures",), about_at="/v1/mandates?state=signing"),
}
"""Each kind of form, once."""
