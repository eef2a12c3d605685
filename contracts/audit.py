"""The heads of the audit's chains: each service publishes its own, and whoever holds one finds what was changed since.

How an entry becomes a digest is told in chassis/audit/chain.py.
"""

import types
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.events import State, Version
from contracts.topics import ACCOUNTS_AUDIT, AUTHORIZATIONS_AUDIT, LINKING_AUDIT, NOTIFICATIONS_AUDIT, Topic

NO_ORGANIZATION = UUID(int=0)
"""The chain of entries that concern no organization."""


class AuditSealed(State):
    """The head of one chain of a service's audit: its last entry's number, and the digest up to and with that entry.

    `chain_id` is the organization whose entries these are; the nil UUID is the chain of those that concern none.
    `version` is the number of the last entry, counted from 1 without a gap.
    """

    key_field: ClassVar[str] = "chain_id"

    chain_id: UUID
    version: Version
    algorithm: Literal["sha256"]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def _of(topic: Topic) -> type[AuditSealed]:
    body = {"topic": topic, "__doc__": AuditSealed.__doc__, "__module__": __name__}
    return types.new_class("AuditSealed", (AuditSealed,), exec_body=lambda namespace: namespace.update(body))


HEADS: Mapping[str, type[AuditSealed]] = {
    topic.service: _of(topic) for topic in (ACCOUNTS_AUDIT, LINKING_AUDIT, AUTHORIZATIONS_AUDIT, NOTIFICATIONS_AUDIT)
}
"""By service: the head of its chains, on a topic of its own, so that no service can publish another's."""
