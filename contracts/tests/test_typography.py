"""The typography check: what it must find, and what it must leave alone."""

import pytest

from contracts.agency.typography import faults
from contracts.events import Language

NB = "\u00a0"


@pytest.mark.parametrize(
    "text",
    [
        "Important: lisez",
        "Important : lisez",
        "Important\u202f: lisez",
        f"«{NB}Oui »",
        f"« Oui{NB}»",
        "10 %",
        "10$",
        "Vraiment ?",
        f"Vraiment{NB}!",
        "ceci ; cela",
        "l'organisation",
        "l’ organisation",
        "l ’organisation",
        'deux" par',
        "attendez...",
        "Fin.  Début",
        "oui , non",
        "{{ label }}: {{ value }}",
    ],
)
def test_french_with_one_fault_has_one_fault(text: str) -> None:
    assert len(faults(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        f"Important{NB}: lisez «{NB}Oui{NB}»; vraiment? Oui! Non\u202f!",
        f"10{NB}% de 1{NB}234,56{NB}$, à 14{NB}h{NB}30 ou 10:30",
        "https://sel.ccq.org/a?b=c;d%20e et soutien@ccq.example",
        "d’œuvre, etc.",
        "## Titre\n\n- un\n  - deux\n",
    ],
)
def test_sound_french_has_none(text: str) -> None:
    assert faults(text) == []


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        ("Your code: the employers’ file; ready? 50% at 10:30, $5", "en", 0),
        ("Don't", "en", 1),
        ('two" by', "en", 1),
        ("Your code : 12", "en", 1),
    ],
)
def test_english_has_its_own_rules(text: str, language: Language, count: int) -> None:
    assert len(faults(text, language)) == count
