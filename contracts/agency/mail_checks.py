"""What must hold of the mails of an agency's folder; each check yields its faults with file and line."""

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from contracts.agency import placeholders
from contracts.agency.features import MAILS_NEEDED_FOR, needed
from contracts.agency.files import Document, Fault
from contracts.agency.mails import (
    MAIL_FIELDS,
    OF_THE_AGENCY,
    Action,
    Block,
    Heading,
    Items,
    MailTemplate,
    MailTemplates,
    block_texts,
)
from contracts.events import LANGUAGES
from contracts.notifications import Feature

FOREIGN = re.compile(r"[<>@]|://|\w\.[a-z]{2,}\b")
"""Markup, and what mail programs turn into a link: an address of the web or of a mailbox, also a bare host name."""

_LONGER_LINK = re.compile(r"\{\{ portal_url \}\}[/?#&=\w{]")


def check_missing(folder: Path, there: Collection[str], present: Collection[Feature]) -> Iterator[Fault]:
    """Kinds of mail that the agency can cause, and does not word."""
    for kind, needed_for in MAILS_NEEDED_FOR.items():
        if kind not in there and needed(needed_for, present):
            why = f" An agency with {' or '.join(sorted(needed_for & set(present)))} sends it." if needed_for else ""
            yield Fault(folder / f"{kind}.yaml", 1, f"The file is missing.{why}")


def check_mail(document: Document, kind: str, templates: MailTemplates) -> Iterator[Fault]:
    """Every placeholder is offered by that kind of mail, what the mail is for is shown, and it calls for one action."""
    for language in LANGUAGES:
        template = templates.in_(language)
        fields = MAIL_FIELDS[kind]
        shown: set[str] = set()
        for place, text in template.texts():
            for reason in placeholders.faults(text, set(fields.offered), "{{ name }}"):
                yield document.fault(reason, language, *place)
            shown |= placeholders.names(text, "{{ name }}")
            for reason in _faulty_links(template, place, text):
                yield document.fault(reason, language, *place)
            lists = placeholders.names(text, "{{ name }}") & fields.lists
            if lists and not (isinstance(_block_at(template, place), Items) and len(lists) == 1):
                yield document.fault(f"A list stands alone in `items`: {', '.join(sorted(lists))}.", language, *place)
        if not fields.acts and any(isinstance(block, Action) for block in template.blocks):
            shown.add("portal_url")
        for name in sorted(fields.shown - shown):
            yield document.fault(f"This mail must show `{name}`.", language)
        if fields.acts and not any(isinstance(block, Action) and block.always for block in template.blocks):
            yield document.fault("This mail must have an `action`: it opens the page that takes its token.", language)
        yield from _check_optional(document, (language,), template, fields.optional)
        if any(_calls_to_action(template.blocks_without(empty)) > 1 for empty in fields.absences()):
            yield document.fault(
                "This mail calls for more than one action: an `action` or one `{{ portal_url }}`, and no other.",
                language,
            )


def _faulty_links(template: MailTemplate, place: tuple[str | int, ...], text: str) -> Iterator[str]:
    if FOREIGN.search(placeholders.without(text, "{{ name }}")):
        yield (
            "A mail holds no address and no markup of its own: `{{ portal_url }}` and `{{ support_email }}` name where"
            " to turn."
        )
    if _LONGER_LINK.search(text):
        yield "The portal's address goes on after `{{ portal_url }}`: a link carries nothing that tells readers apart."
    block = _block_at(template, place)
    if block is None or isinstance(block, Heading | Action):
        for name in sorted(placeholders.names(text, "{{ name }}") & OF_THE_AGENCY):
            yield f"`{name}` becomes a link, and here is no place for one."


def _block_at(template: MailTemplate, place: tuple[str | int, ...]) -> Block | None:
    """The block that a text stands in; None for the subject and the preheader."""
    return template.blocks[place[1]] if len(place) == 2 and isinstance(place[1], int) else None


def _calls_to_action(blocks: Sequence[Block]) -> int:
    """The links to the portal; that to support is where to turn with a question, and no call."""
    texts = [text for block in blocks for text in block_texts(block)]
    return sum(isinstance(b, Action) for b in blocks) + sum(text.count("{{ portal_url }}") for text in texts)


def _check_optional(
    document: Document, where: tuple[str, ...], template: MailTemplate, optional: frozenset[str]
) -> Iterator[Fault]:
    for place, text in template.texts():
        block = _block_at(template, place)
        for name in sorted(placeholders.names(text, "{{ name }}") & optional):
            if block is None or block.when != name:
                yield document.fault(
                    f"`{name}` may be empty, so it stands only in a block with `when: {name}`.",
                    *where,
                    *place,
                )
    for index, block in enumerate(template.blocks):
        for condition, field in (("when", block.when), ("unless", block.unless)):
            if field is not None and field not in optional:
                yield document.fault(
                    f"`{condition}` names `{field}`, which is not a field that may be empty.",
                    *where,
                    "blocks",
                    index,
                    condition,
                )
