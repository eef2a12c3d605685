"""Who and what the journey is about: two professionals, whom they mandate, and the agency's agent."""

from dataclasses import dataclass, field

from local.journeys import playing
from local.journeys.portal import Language, Someone

TO_THE_FORM = {
    "who_asks": "professional",
    "who_acts": "staff_member",
    "which_service": "billing_and_payments",
    "who_signs": "i_will",
    "addresses": "both_have",
    "how_to_sign": "on_screen",
}
"""Answers of the questionnaire that lead to the mandate, from a question's code to that of its answer."""

FORMER_CREDENTIAL = ("demo.apothicaire", "ancien mot de passe de démonstration")
"""Of the old online services (agencies/ramq/demo)."""


@dataclass(frozen=True)
class Practice:
    """A professional's practice, as agencies/ramq/demo has it."""

    number: str
    legal_name: str
    profession: str


@dataclass(frozen=True)
class Cast:
    """Who plays in one language. The delegate acts for the first professional, then for the second one too.

    The colleague is mandated in the same list as the delegate, for the first professional alone.
    """

    practice: Practice
    other_practice: Practice
    professional: Someone
    other_professional: Someone
    delegate: Someone
    colleague: Someone

    @property
    def everybody(self) -> tuple[Someone, ...]:
        """Whoever plays."""
        return (self.professional, self.other_professional, self.delegate, self.colleague)


def cast(language: Language) -> Cast:
    """A physician and a pharmacist play the French part, a dentist and an optometrist the English one."""
    if language == "fr":
        return Cast(
            Practice("2100001", "CABINET EXEMPLE DE LA DRE PRATICIENNE", "physician"),
            Practice("2100003", "PHARMACIE ÉCHANTILLON", "pharmacist"),
            Someone("demo@praticienne.example", "trois stéthoscopes au vestiaire", "Démo", "Praticienne", language),
            Someone("demo@echantillon.example", "un mortier et deux pilons", "Démo", "Apothicaire", language),
            Someone("adjointe.demo@example.org", "quatre agendas bien remplis", "Démo", "Adjointe", language),
            Someone("commis.demo@example.org", "six classeurs tous à jour", "Démo", "Commis", language),
        )
    return Cast(
        Practice("2100002", "SAMPLE DENTAL PRACTICE", "dentist"),
        Practice("2100004", "MODEL OPTOMETRY", "optometrist"),
        Someone("demo@sampledental.example", "nine mirrors on the tray", "Demo", "Dentist", language),
        Someone("demo@modeloptometry.example", "seven charts on the wall", "Demo", "Optometrist", language),
        Someone("assistant.demo@example.org", "five full appointment books", "Demo", "Assistant", language),
        Someone("bookkeeper.demo@example.org", "eight drawers in good order", "Demo", "Bookkeeper", language),
    )


@dataclass
class Journey(playing.Journey):
    """One playing of the guide in one language."""

    cast: Cast
    ids: dict[str, str] = field(default_factory=dict)
    """organization_id by the practice's number."""
    proofs: dict[str, str] = field(default_factory=dict)
    """What proves that somebody reads an address, by the address."""

    @property
    def shared_domain(self) -> str:
        """Of addresses that several people read."""
        return "clinique.example" if self.cast.delegate.language == "fr" else "clinic.example"

    @property
    def practice_id(self) -> str:
        return self.ids[self.cast.practice.number]

    @property
    def other_practice_id(self) -> str:
        return self.ids[self.cast.other_practice.number]
