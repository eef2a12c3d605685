"""How an address is written in ASCII, which is what travels and what addresses are compared by."""

from functools import lru_cache

from email_validator import EmailNotValidError, validate_email


@lru_cache(maxsize=1024)  # most mails go to few domains, and checking one takes longer than all else about an address
def ascii_domain(domain: str) -> str:
    """A domain as DNS spells it (IDNA 2008). Raises EmailNotValidError."""
    return validate_email(f"a@{domain}", check_deliverability=False).ascii_domain


def address_key(address: str) -> str:
    """What an address is compared by: its domain as DNS spells it, and no case; what is no address, as it is typed.

    Case does not tell mailboxes apart, although it might (RFC 5321, 2.4): nobody has both of two such addresses.
    """
    local_part, _, domain = address.strip().rpartition("@")
    try:
        return f"{local_part}@{ascii_domain(domain)}".lower()
    except EmailNotValidError:
        return address.strip().lower()
