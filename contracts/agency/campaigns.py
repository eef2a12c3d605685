"""campaigns.yaml: what has an agency send linking coordinates to many organizations at once, such as a launch."""

from datetime import date, timedelta
from typing import Self

from pydantic import Field, model_validator

from contracts.agency.text import Coded, Policy, Text
from contracts.events import Code

DAYS_AFTER_END = 30
"""How long a campaign's codes outlive it unless the data says otherwise: for whoever comes late."""


class Campaign(Coded):
    """A campaign; its mail is mails/campaign_coordinates.yaml, which names it and says these words and dates.

    Its codes go to members with one of the `functions`, who manage their organization. It may be sent before it
    starts; the last day of its codes is `code_days_after_end` days after `ends_on`, and counts to its end.
    """

    name: Text
    introduction: Text
    functions: tuple[Code, ...] = Field(min_length=1, max_length=20)
    starts_on: date
    ends_on: date
    code_days_after_end: int = Field(default=DAYS_AFTER_END, ge=0, le=365)

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.ends_on < self.starts_on:
            raise ValueError("a campaign does not end before it starts")
        return self

    @property
    def codes_until(self) -> date:
        """The last day of its codes."""
        return self.ends_on + timedelta(days=self.code_days_after_end)

    def is_open(self, day: date) -> bool:
        """Whether its coordinates may still be sent."""
        return day <= self.ends_on and self.in_force(day)


class Campaigns(Policy):
    """The file as a whole; an agency without a campaign has none in it, or no such file."""

    campaigns: tuple[Campaign, ...] = Field(default=(), max_length=100)
