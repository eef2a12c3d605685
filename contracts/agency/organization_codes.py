"""What an agency's data say about organization codes: secrets on paper that an organization's first person types."""

from typing import Self

from pydantic import Field, model_validator

from contracts.agency.asked import AskedField
from contracts.agency.text import Policy


class PayrollQuestion(Policy):
    """What the organization's file knows and a stranger does not: the payroll that it reported for the current year.

    An answer may be `tolerance_percent` of the amount off, or `tolerance_at_least` dollars, whichever is more. Until
    the year's report is filed the answer is `before_report` and nothing else.
    """

    tolerance_percent: int = Field(ge=0, le=50)
    tolerance_at_least: int = Field(ge=0, le=1_000_000)
    before_report: int = Field(ge=0)


class AskedFields(Policy):
    """The fields of POST /v1/links that a claim has."""

    organization_name: AskedField
    organization_number: AskedField
    organization_code: AskedField
    payroll: AskedField
    capacity: AskedField


class Growth(Policy):
    """Delays that grow: `at_once` attempts without one, then `first_seconds`, and each twice the one before.

    None is longer than `longest_seconds`; whoever makes no attempt for `forgotten_after_seconds` begins anew.
    """

    at_once: int = Field(ge=1, le=20)
    first_seconds: int = Field(ge=1, le=3_600)
    longest_seconds: int = Field(ge=1, le=86_400)
    forgotten_after_seconds: int = Field(ge=60, le=86_400)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.first_seconds <= self.longest_seconds <= self.forgotten_after_seconds:
            raise ValueError(
                "a delay grows from `first_seconds` to `longest_seconds`, and is forgotten later than that"
            )
        return self
