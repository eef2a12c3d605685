"""managing.yaml: how those who manage an organization keep others out, and for which reasons that is done."""

from typing import Literal

from pydantic import Field

from contracts.agency.text import Coded, Policy, Text

Act = Literal["block"]
"""What is done to somebody for a reason of this file. block: the person is kept out of the organization."""


class ManagingReason(Coded):
    """Why something was done to somebody, as they are told."""

    name: Text
    acts: tuple[Act, ...] = Field(min_length=1)


class Managing(Policy):
    """The file as a whole. For an act without a reason nobody gives one; where there are some, an agent must."""

    reasons: tuple[ManagingReason, ...] = Field(default=(), max_length=100)
