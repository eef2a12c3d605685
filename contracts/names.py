"""What no person's name holds. A name stands in mails that we send, where an address in it would be a link."""

import re

LINK = re.compile(r"[/@\x00-\x1f\x7f-\x9f\u2028\u2029]|www\.", re.IGNORECASE)


def holds_link(name: str) -> bool:
    """Whether a person's name holds an address or its beginnings, or a character that ends a line."""
    return LINK.search(name) is not None
