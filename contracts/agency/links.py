"""Addresses of the web that an agency's data name."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints

from contracts.agency.text import Policy
from contracts.events import Language

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def _web_address(address: str) -> str:
    parts = urlsplit(address)
    if not parts.hostname or parts.username or parts.fragment or any(c.isspace() for c in address):
        raise ValueError("this is not a web address")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS):
        raise ValueError("a web address begins with https:// (http:// only on this machine)")
    return address


WebAddress = Annotated[str, StringConstraints(max_length=300), AfterValidator(_web_address)]


class Link(Policy):
    """Where more is said, in each language (the guide: the article on what each subject allows)."""

    fr: WebAddress
    en: WebAddress

    def in_(self, language: Language) -> str:
        """The address of the page in that language."""
        return self.fr if language == "fr" else self.en
