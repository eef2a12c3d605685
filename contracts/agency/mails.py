"""mails/KIND.yaml: what each kind of mail says, in blocks that serve for text and HTML alike.

Every text of a template is filled in by plain substitution: `{{ name }}` and nothing else. Values are text by
the time they come here: a date is written out in the language, several names are joined ("A, B ou C").
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from contracts.agency.text import HumanText, Policy
from contracts.events import Code, Language
from contracts.notifications import MAIL_REQUESTS, DigestFiles, Endings, MailRequest

OF_THE_AGENCY = frozenset({"portal_url", "support_email"})
"""Fields that every mail may show, whatever was requested: they stand in agency.yaml."""

NEVER_SHOWN = frozenset({"address", "token"})
"""Sealed for the envelope of the mail and for its link, and not for its text."""


@dataclass(frozen=True)
class MailFields:
    """The fields a kind of mail offers to its template.

    `shown`: every template must show them. `optional`: may be empty, so they stand only in blocks with `when`.
    `lists`: hold several lines, so they stand only in blocks with `items`. `acts`: the mail carries a single-use
    token, and its `action` opens the page that takes it.
    """

    offered: frozenset[str]
    shown: frozenset[str]
    optional: frozenset[str]
    lists: frozenset[str]
    acts: bool

    @classmethod
    def of(cls, request: type[MailRequest]) -> "MailFields":
        """What the request adds to every request, what it seals, and what is the agency's."""
        sealed = {name: field for name, field in request.contents.model_fields.items() if name not in NEVER_SHOWN}
        carried = request.own_fields() | sealed
        return cls(
            offered=frozenset(carried) | OF_THE_AGENCY,
            shown=request.shown,
            optional=frozenset(name for name, field in carried.items() if not field.is_required()),
            lists=frozenset(name for name, field in carried.items() if field.annotation in (Endings, DigestFiles)),
            acts=request.page is not None,
        )

    def absences(self) -> Iterator[frozenset[str]]:
        """Every way in which some of the optional fields may be empty; first, none is."""
        for count in range(len(self.optional) + 1):
            yield from map(frozenset, combinations(sorted(self.optional), count))


MAIL_FIELDS: Mapping[str, MailFields] = {request.mail: MailFields.of(request) for request in MAIL_REQUESTS}

MAIL_KINDS: tuple[str, ...] = tuple(MAIL_FIELDS)


class _Block(Policy):
    """The block is left out while the field that `when` names is empty, or the one of `unless` is not."""

    when: Code | None = None
    unless: Code | None = None

    @property
    def always(self) -> bool:
        """Whether it belongs into every mail."""
        return self.when is None and self.unless is None

    def applies(self, empty: frozenset[str]) -> bool:
        """Whether the block belongs into a mail in which these fields are empty."""
        return self.when not in empty and (self.unless is None or self.unless in empty)


class Heading(_Block):
    """What the blocks after it are about; screen readers jump from one to the next."""

    heading: Annotated[HumanText, Field(max_length=100)]


class Paragraph(_Block):
    """Running text."""

    paragraph: HumanText


class CodeBlock(_Block):
    """A code to be copied, set apart; the renderer groups its characters."""

    code: HumanText


class Steps(_Block):
    """What to do, in order, numbered by the renderer."""

    steps: tuple[HumanText, ...] = Field(min_length=1, max_length=20)


class Items(_Block):
    """A bulleted list: the text once for each line of the field that it shows."""

    items: HumanText


class Action(_Block):
    """The call to action: a button with this label. In text, the label and the address.

    It opens the portal, or in a mail with a single-use token the page that takes it.
    """

    action: Annotated[HumanText, Field(max_length=60)]


class Fact(Policy):
    """A label without its colon, and its value."""

    label: HumanText
    value: HumanText


class Facts(_Block):
    """Labelled values."""

    facts: tuple[Fact, ...] = Field(min_length=1, max_length=20)


class Note(_Block):
    """A remark set apart from the running text: a warning, whom to ask."""

    note: HumanText


_BLOCK_KINDS = ("heading", "paragraph", "code", "steps", "items", "action", "facts", "note")


def _block_kind(block: Any) -> str | None:
    kinds = [kind for kind in _BLOCK_KINDS if (kind in block if isinstance(block, dict) else hasattr(block, kind))]
    return kinds[0] if len(kinds) == 1 else None


Block = Annotated[
    Annotated[Heading, Tag("heading")]
    | Annotated[Paragraph, Tag("paragraph")]
    | Annotated[CodeBlock, Tag("code")]
    | Annotated[Steps, Tag("steps")]
    | Annotated[Items, Tag("items")]
    | Annotated[Action, Tag("action")]
    | Annotated[Facts, Tag("facts")]
    | Annotated[Note, Tag("note")],
    Discriminator(
        _block_kind,
        custom_error_type="block_kind",
        custom_error_message=f"a block holds exactly one of {', '.join(_BLOCK_KINDS)}",
    ),
]


def block_texts(block: Block) -> list[str]:
    """Every text of the block, to be checked or filled in."""
    match block:
        case (
            Heading(heading=text)
            | Paragraph(paragraph=text)
            | CodeBlock(code=text)
            | Items(items=text)
            | Action(action=text)
            | Note(note=text)
        ):
            return [text]
        case Steps(steps=steps):
            return list(steps)
        case Facts(facts=facts):
            return [text for fact in facts for text in (fact.label, fact.value)]


class MailTemplate(Policy):
    """One kind of mail in one language. `preheader` is the line that mailboxes show beside the subject."""

    subject: Annotated[HumanText, Field(max_length=150)]
    preheader: Annotated[HumanText, Field(max_length=200)]
    blocks: tuple[Block, ...] = Field(min_length=1, max_length=40)

    def texts(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every text with its place in the template."""
        yield ("subject",), self.subject
        yield ("preheader",), self.preheader
        for index, block in enumerate(self.blocks):
            for text in block_texts(block):
                yield ("blocks", index), text

    def blocks_without(self, empty: frozenset[str]) -> list[Block]:
        """The blocks that belong into a mail in which these fields are empty."""
        return [block for block in self.blocks if block.applies(empty)]


class MailTemplates(Policy):
    """The file as a whole: one kind of mail in both languages."""

    fr: MailTemplate
    en: MailTemplate

    def in_(self, language: Language) -> MailTemplate:
        """The template in that language."""
        return self.fr if language == "fr" else self.en
