"""Typography of human texts: French of Quebec (OQLF, Vitrine linguistique 22039), and English."""

import re

from contracts.events import Language

NBSP = "\u00a0"

_ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s\u00a0«»)>\]]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")

_Rule = tuple[re.Pattern[str], str]

_BOTH: tuple[_Rule, ...] = (
    (re.compile(r"'"), "the straight apostrophe should be ’"),
    (re.compile(r"\.\.\."), "three full stops should be …"),
    (re.compile(r"(?<=\S) {2,}(?=\S)"), "two spaces should be one"),
    (re.compile(r"\s[,.](?=\s|$)"), "no space stands before a comma or full stop"),
)

_RULES: dict[Language, tuple[_Rule, ...]] = {
    "fr": (
        *_BOTH,
        (re.compile(r'"'), "straight quotation marks should be « »"),
        (re.compile(r"(?<!\u00a0):(?!(?<=\d:)\d)"), "a colon wants U+00A0 before it"),
        (re.compile(r"«(?!\u00a0)"), "« wants U+00A0 after it"),
        (re.compile(r"(?<!\u00a0)»"), "» wants U+00A0 before it"),
        (re.compile(r"(?<!\u00a0)[%$]"), "the signs % and $ want U+00A0 before them"),
        (re.compile(r"[^\S\u202f][;!?]"), "no space stands before ; ! ? (at most U+202F)"),
        (re.compile(r"\s’|’\s"), "no space stands beside ’"),
    ),
    "en": (
        *_BOTH,
        (re.compile(r'"'), "straight quotation marks should be “ ”"),
        (re.compile(r"\s[:;!?](?=\s|$)"), "no space stands before : ; ! ?"),
    ),
}


def faults(text: str, language: Language = "fr") -> list[str]:
    """What is wrong with the text, one sentence with an excerpt each; empty when nothing is.

    Web and e-mail addresses are left out; times such as 10:30 are allowed.
    """
    readable = _ADDRESS.sub(lambda found: "x" * len(found.group()), text)
    return [
        f"In “{_excerpt(text, found.start())}”, {rule}."
        for pattern, rule in _RULES[language]
        for found in pattern.finditer(readable)
    ]


def _excerpt(text: str, position: int) -> str:
    return text[max(0, position - 20) : position + 20].replace("\n", " ")
