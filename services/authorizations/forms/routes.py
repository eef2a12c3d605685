"""Where each kind of form is sent, and where what it is about is listed."""

from collections.abc import Mapping, Sequence

from contracts.agency.forms import FormKind

SENT_TO: Mapping[FormKind, Sequence[str]] = {
    "addition": (
        "POST /v1/organizations/{organization_id}/contacts",
        "POST /v1/contacts/{contact_id}/relations",
        "POST /v1/relations/{relation_id}/rights",
    ),
    "removal": ("POST /v1/contacts/{contact_id}/removals",),
    "correction": ("PATCH /v1/contacts/{contact_id}",),
    "representation": (
        "POST /v1/organizations/{organization_id}/relations",
        "POST /v1/relations/{relation_id}/rights",
    ),
    "representation_end": ("POST /v1/relations/{relation_id}/end",),
    "recertification": ("POST /v1/organizations/{organization_id}/recertification",),
    "decision": ("POST /v1/requests/{request_id}/decision",),
    "invitation": ("POST /v1/organizations/{organization_id}/invitations",),
    "block": ("POST /v1/organizations/{organization_id}/blocks",),
    "unblock": ("DELETE /v1/organizations/{organization_id}/blocks/{block_id}",),
    "appointment": ("POST /v1/organizations/{organization_id}/administrators",),
    "release": ("POST /v1/organizations/{organization_id}/administrators/{contact_id}/release",),
    "replacement": ("POST /v1/organizations/{organization_id}/administrators/{contact_id}/replacement",),
}
"""The routes that take a form of the kind. Several: for somebody new, for a contact that exists, for one relation."""

ABOUT_AT: Mapping[FormKind, str] = {
    "addition": "/v1/organizations/{organization_id}/contacts?active=true",
    "removal": "/v1/organizations/{organization_id}/contacts?active=true",
    "correction": "/v1/organizations/{organization_id}/contacts?active=true",
    "unblock": "/v1/organizations/{organization_id}/blocks?stands=true",
    "release": "/v1/organizations/{organization_id}/administrators",
    "replacement": "/v1/organizations/{organization_id}/administrators",
    "decision": "/v1/organizations/{organization_id}/requests",
}
"""Where the contacts, blocks or requests are listed, one of which stands in the route's path; of requests those of the
form's kind."""
