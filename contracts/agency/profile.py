"""agency.yaml: who the agency is and how people reach it."""

from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from contracts.agency.links import WebAddress
from contracts.agency.text import Coded, EmailAddress, Policy, Text
from contracts.events import Code, Language
from contracts.notifications import PortalPage

MINIMUM_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3: contrast of text with its background, level AA."""


MAX_TERMS = 60_000
"""Characters of the terms of use in one language: some twenty printed pages."""

TERMS_VERSION = r"^[0-9A-Za-z][0-9A-Za-z.-]{0,19}$"
"""The name of a folder in terms/, which people's acceptances name for ever."""

TermsVersion = Annotated[str, StringConstraints(pattern=TERMS_VERSION)]


def _plain_address(address: str) -> str:
    if "?" in address:
        raise ValueError("an address that mails show has no query: nothing in it may tell one reader from another")
    return address


PortalAddress = Annotated[WebAddress, AfterValidator(_plain_address)]

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]

Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{4,12}$")]
"""A number kept as text: leading zeros count, nobody calculates with it."""


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no time zone is called {name!r}") from None
    return name


def _luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it, 0 (black) to 1 (white)."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


class Colours(Policy):
    """`primary` is a surface (header, button), `on_primary` the text on it; both readable together."""

    primary: Colour
    on_primary: Colour

    @model_validator(mode="after")
    def _readable(self) -> Self:
        dark, light = sorted((_luminance(self.primary), _luminance(self.on_primary)))
        contrast = (light + 0.05) / (dark + 0.05)
        if contrast < MINIMUM_CONTRAST:
            raise ValueError(f"the two colours have a contrast of {contrast:.1f}, below {MINIMUM_CONTRAST}")
        return self


class Sender(Policy):
    """Who mails come from."""

    name: Text
    address: EmailAddress


class Support(Policy):
    """One way to get help: an e-mail address or a web address, never both."""

    topic: Text
    email: EmailAddress | None = None
    url: WebAddress | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.email is None) == (self.url is None):
            raise ValueError("a support contact has either `email` or `url`")
        return self


def _by_mail(support: tuple[Support, ...]) -> tuple[Support, ...]:
    if not any(contact.email for contact in support):
        raise ValueError("one support contact must have an `email`: mails name it")
    return support


class TokenIssuer(Policy):
    """Who signs tokens for `audience`, with a key found at `jwks_uri`."""

    issuer: WebAddress
    jwks_uri: WebAddress
    audience: str = Field(min_length=1, max_length=200)


class AgentIssuer(TokenIssuer):
    """An issuer of agents' tokens: `sub` and name of a person."""


class ClientNumbers(Policy):
    """The range from which client numbers of new contacts are drawn, both ends included, equally long."""

    first: Digits
    last: Digits

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if len(self.first) != len(self.last) or self.first > self.last:
            raise ValueError("`first` and `last` must be equally long and in order")
        return self

    def __contains__(self, number: object) -> bool:
        return isinstance(number, str) and len(number) == len(self.first) and self.first <= number <= self.last


class PortalUrl(Policy):
    """Where the portal is entered in each language."""

    fr: PortalAddress
    en: PortalAddress

    def in_(self, language: Language) -> str:
        """The address in that language, without a slash at its end."""
        return (self.fr if language == "fr" else self.en).rstrip("/")


class Portal(Coded):
    """One of the public addresses of the agency's portal. Whoever began at one gets mails that lead there."""

    name: Text
    url: PortalUrl


PagePath = Annotated[str, StringConstraints(pattern=r"^/[a-z0-9][a-z0-9/-]{0,39}$")]
"""Where a page stands below the portal's address; short, so that a mail shows the whole link on one line."""


class PortalPages(Policy):
    """The portal's pages that take a single-use token out of the fragment of their address, and post it on a click."""

    email_change_undo: PagePath
    registration_confirmation: PagePath | None = None
    invitation: PagePath | None = None
    mandate_signature: PagePath | None = None
    mandate_address: PagePath | None = None

    def path(self, page: PortalPage) -> str | None:
        """Where the page stands; None where the agency does without."""
        path: str | None = getattr(self, page)
        return path


class AgencyProfile(Policy):
    """The agency itself. `terms_version` names the folder in terms/ that is in force; a new one must be accepted.

    The first of the `portals` is the one of whoever names none.
    """

    code: Code
    name: Text
    short_name: Text
    time_zone: Annotated[str, AfterValidator(_time_zone)]
    default_language: Language
    portals: tuple[Portal, ...] = Field(min_length=1, max_length=10)
    portal_pages: PortalPages
    colours: Colours
    sender: Sender
    support: Annotated[tuple[Support, ...], Field(max_length=20), AfterValidator(_by_mail)]
    agent_issuers: tuple[AgentIssuer, ...] = Field(max_length=10)
    client_numbers: ClientNumbers
    terms_version: TermsVersion

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which the agency's days begin and end."""
        return ZoneInfo(self.time_zone)

    def portal(self, code: str | None) -> Portal:
        """The portal of this code, retired or not; the first for None. Raises KeyError for an unknown code."""
        if code is None:
            return self.portals[0]
        return {portal.code: portal for portal in self.portals}[code]

    def link(self, page: PortalPage, token: str, language: Language, portal: str | None) -> str:
        """The address of a portal page for one reader. What follows # stays in the browser: no server ever sees it."""
        return f"{self.portal(portal).url.in_(language)}{self.portal_pages.path(page)}#{token}"

    @property
    def support_email(self) -> str:
        """The address that mails name: that of the first support contact that has one."""
        return next(contact.email for contact in self.support if contact.email)


class Terms(Policy):
    """The terms of use, as Markdown, and the version that a person accepts."""

    version: str
    fr: str
    en: str

    def in_(self, language: Language) -> str:
        """The text in that language."""
        return self.fr if language == "fr" else self.en
