"""managing.yaml: how those who manage an organization keep others out, appoint and replace each other, and why."""

from typing import Literal

from pydantic import Field

from contracts.agency.text import Coded, Policy, Text
from contracts.events import Code

Act = Literal["block", "appointment", "release", "replacement"]
"""What is done to somebody for a reason of this file. block: the person is kept out of the organization. appointment,
release: the person manages it from now on, or no more. replacement: an agent puts another in the person's place."""


class ManagingReason(Coded):
    """Why something was done to somebody, as they are told."""

    name: Text
    acts: tuple[Act, ...] = Field(min_length=1)


class Administrators(Policy):
    """Who is appointed to manage an organization gets a membership of `type`.

    For `contest_days` after an appointment an agent can replace the person, and withdraw with one act whatever the
    person granted: an unknown first linker never stays in the true one's way.
    """

    type: Code
    contest_days: int = Field(ge=1, le=365)


class Managing(Policy):
    """The file as a whole. Without `administrators` memberships that manage are granted like any other.

    With `invitations` those who manage an organization invite others by e-mail; the portal has a page for that. With
    `rights_told` a person is told by mail of each subject that they are given or lose in their organization.

    For an act without a reason nobody gives one; where there are some, an agent must."""

    reasons: tuple[ManagingReason, ...] = Field(default=(), max_length=100)
    administrators: Administrators | None = None
    rights_told: bool = False
    invitations: bool = False
