"""What no person's name holds. A name stands in mails that we send, where an address in it would be a link."""

import re
import unicodedata

LINK = re.compile(r"[/@\x00-\x1f\x7f-\x9f\u2028\u2029]|www\.", re.IGNORECASE)


def as_addresses_are_read(name: str) -> str:
    """A name in the letters that a mail program may read: full-width and other forms become plain ones (NFKC)."""
    return unicodedata.normalize("NFKC", name)


def holds_link(name: str) -> bool:
    """Whether a person's name holds an address or its beginnings, in whatever form, or a character that ends a line."""
    return LINK.search(as_addresses_are_read(name)) is not None
