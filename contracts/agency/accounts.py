"""accounts.yaml: for whom accounts are, and how long what is unsettled about one stays so."""

from typing import Self

from pydantic import Field, model_validator

from contracts.agency.text import Policy, Text


class UnlinkedAccounts(Policy):
    """An account that was never linked to a file lapses; both in days, counted from its opening.

    Its person is told by mail `notice_days` before, and has that long in any case.
    """

    lapse_after_days: int = Field(ge=2, le=3650)
    notice_days: int = Field(ge=1, le=365)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.notice_days >= self.lapse_after_days:
            raise ValueError("`notice_days` must be less than `lapse_after_days`")
        return self


class EmailChanges(Policy):
    """`undo_days`: how long the former address, with the password of before, may take its account back."""

    undo_days: int = Field(ge=1, le=90)


class Accounts(Policy):
    """The file as a whole. `registration_notice` says for whom accounts are, wherever one can be asked for."""

    registration_notice: Text
    unlinked_accounts: UnlinkedAccounts
    email_changes: EmailChanges
