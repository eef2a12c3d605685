"""The signed mandate as it is printed: one page of HTML, of which everything that people wrote is escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from zoneinfo import ZoneInfo

from chassis.writing import COLON, written_instant
from contracts.agency import Agency
from contracts.agency.mandates import MandateSide
from contracts.events import Language
from services.authorizations.signatures.handlers import ReadSignature

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'; sandbox"
)
"""The Content-Security-Policy of the page: it loads nothing, and runs nothing."""

STYLE = """
@page { margin: 20mm }
body { font: 11pt/1.45 Georgia, "Times New Roman", serif; color: #000; max-width: 46em;
    margin: 2em auto; padding: 0 1em }
h1 { font-size: 15pt } h2 { font-size: 12pt; margin: 2em 0 0.5em }
section { break-inside: avoid; border-top: 1px solid #000; margin-top: 2em }
.text { white-space: pre-wrap; overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2em 1.5em } dd { margin: 0; overflow-wrap: anywhere }
.state { font-weight: bold }
"""


@dataclass(frozen=True)
class SideOfDocument:
    """One side: its text as it reads, and its signature where it has signed that."""

    side: MandateSide
    text: str
    signature: ReadSignature | None


def page(
    agency: Agency, sides: Sequence[SideOfDocument], intact: bool | None, language: Language, zone: ZoneInfo
) -> str:
    """The document in a language; what was signed stands in the language in which it was."""
    word = agency.texts.word

    def labelled(name: str, value: str) -> str:
        return f"<dt>{escape(word(f'mandate_document_{name}', language))}{COLON[language]}</dt><dd>{escape(value)}</dd>"

    def signed(side: SideOfDocument) -> str:
        read = side.signature
        if read is None:
            return f'<p class="state">{escape(word("mandate_document_unsigned", language))}</p>'
        signature, contents = read.signature, read.contents
        if contents is None:
            erased = word("mandate_document_erased", language)
            return f'<p class="state">{escape(erased)}</p>'
        facts = [
            labelled("signed_by", contents.name),
            labelled("signed_at", written_instant(signature.signed_at, zone, language)),
            labelled("method", word(f"mandate_document_by_{signature.method}", language)),
            labelled("fingerprint", contents.digest),
        ]
        if side.side == "delegate" and signature.account_id is not None:
            facts.append(labelled("account", word("mandate_document_account_kept", language)))
        return f"<dl>{''.join(facts)}</dl>"

    def section(side: SideOfDocument) -> str:
        kept = side.signature.contents if side.signature is not None else None
        text = side.text if side.signature is None else kept.text if kept is not None else ""
        written = side.signature.signature.language if side.signature is not None else language
        heading = escape(word(f"mandate_document_{side.side}", language))
        return (
            f'<section><h2>{heading}</h2>\n<div class="text" lang="{written}">{escape(text)}</div>\n{signed(side)}'
            "</section>"
        )

    state = {True: "intact", False: "changed", None: "unproven"}[intact]
    title = escape(word("mandate_document_title", language))
    body = "\n".join(section(side) for side in sides)
    return (
        f'<!doctype html>\n<html lang="{language}">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<style>{STYLE}</style>\n<h1>{title}</h1>\n"
        f'<p class="state">{escape(word(f"mandate_document_{state}", language))}</p>\n{body}\n</html>\n'
    )
