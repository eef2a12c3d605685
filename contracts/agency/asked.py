"""What a linking method asks for, in the agency's words."""

from contracts.agency.text import Policy, Text


class AskedField(Policy):
    """A field of POST /v1/links in the agency's words."""

    label: Text
    help: Text | None = None
