"""What is wrong with a row of an extract, in words."""

from collections.abc import Mapping
from typing import Any

from contracts.events import Language
from contracts.problems import defects, word


def detail(code: str, parameters: Mapping[str, Any], language: Language) -> str:
    """A defect in one language."""
    filled = dict(parameters)
    if missing := filled.get("missing"):
        filled["missing"] = word(f"missing_{missing}", language)
    if score := filled.get("score"):
        filled["score"] = score.replace(".", word("decimal_mark", language))
    return defects()[code].in_(language, **filled)
