"""The language a caller reads: the best of Accept-Language that exists here (RFC 9110, 12.5.4)."""

from contracts.events import LANGUAGES, Language


def choose(accept_language: str, default: Language) -> Language:
    """The language with the highest weight; the first named wins a tie; the agency's own when none fits."""
    best: tuple[float, Language] = (0.0, default)
    for part in accept_language[:500].split(","):
        tag, _, parameters = part.partition(";")
        base = tag.strip().lower().split("-")[0]
        try:
            weight = float(parameters.strip().lower().removeprefix("q=")) if parameters else 1.0
        except ValueError:
            continue
        for language in LANGUAGES:
            if base == language and weight > best[0]:
                best = (weight, language)
    return best[1]
