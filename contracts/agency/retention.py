"""retention.yaml: how long the audit and the traces of imports are kept."""

from datetime import timedelta

from pydantic import Field

from contracts.agency.text import Policy


class AuditRetention(Policy):
    """Entries of the audit are kept at least so many years. Heads in Kafka, 30 days old, must be younger by far."""

    keep_years: int = Field(ge=1, le=100)

    @property
    def keeps(self) -> timedelta:
        """Never less than that many years, leap days included."""
        return timedelta(days=366 * self.keep_years)


class ImportRetention(Policy):
    """What an import leaves behind.

    `upload_hours`: an extract that is still not whole is forgotten. `unfinished_days`: an import that is still not
    carried out is given up, and its rows deleted. `defects_days` after its end its defects are deleted; its counts
    stay, and so does what stands in organizations' reports.
    """

    upload_hours: int = Field(ge=1, le=168)
    unfinished_days: int = Field(ge=1, le=90)
    defects_days: int = Field(ge=1, le=3650)

    @property
    def upload(self) -> timedelta:
        """From the upload's beginning."""
        return timedelta(hours=self.upload_hours)

    @property
    def unfinished(self) -> timedelta:
        """From the request."""
        return timedelta(days=self.unfinished_days)

    @property
    def defects(self) -> timedelta:
        """From the import's end."""
        return timedelta(days=self.defects_days)


class Retention(Policy):
    """The file as a whole."""

    audit: AuditRetention
    imports: ImportRetention
