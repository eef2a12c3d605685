"""Who and what the guide's journey is about."""

from dataclasses import dataclass
from datetime import datetime

from local.journeys import playing
from local.journeys.portal import Language, Someone

FIRM_NUMBER = "5000001"
CLIENT = "ENTREPRISE SHW INC."
CLIENT_NUMBER = "1000001"
OTHER_CLIENT = "PLOMBERIE RICHARD BÉLANGER"
INDIVIDUAL = "Démo Travailleuse"
INDIVIDUAL_NUMBER = "2000001"
NOBODYS_NUMBER = "1999999"
"""No organization has it."""

FORMER_CREDENTIAL = ("demo.responsable", "ancien mot de passe de démonstration")
"""Of the old online services, for the person's file at an employer (agencies/ccq/demo)."""

NOT_DELEGABLE = {
    "workforce_management": "Gestion de main-d’œuvre",
    "site_identification": "Identification de chantier",
    "status_letter": "Lettre d’état de situation",
}


def responsible(language: Language = "fr") -> Someone:
    """The firm's responsible person, whose address the agency holds (agencies/ccq/demo)."""
    return Someone("responsable@laforce.example", "quatre mésanges au verger", "Démo", "Responsable", language)


def employer(language: Language = "en") -> Someone:
    """The responsible person of the firm's client (agencies/ccq/demo)."""
    return Someone("responsible@shw.example", "nine sturdy oaks uphill", "Demo", "Client-One", language)


def individual(language: Language = "fr") -> Someone:
    """A worker with a file of her own, whom nobody acts for yet (agencies/ccq/demo)."""
    return Someone("travailleuse@example.org", "une truelle et trois niveaux", "Démo", "Travailleuse", language)


def new_member(language: Language = "en") -> Someone:
    """A staff member whom the agency does not know yet."""
    return Someone("nouvelle.personne@laforce.example", "seven quiet herons by the lake", "Demo", "Newcomer", language)


@dataclass
class Journey(playing.Journey):
    """One playing of the guide."""

    firm_id: str = ""
    client_id: str = ""


def seconds(instant: str) -> str:
    """An instant of a gateway, to the second."""
    return f"{datetime.fromisoformat(instant):%Y-%m-%d %H:%M:%S} UTC"


def truth(active: bool, language: Language) -> str:
    """How the guide's lists show it."""
    return {"fr": ("Faux", "Vrai"), "en": ("False", "True")}[language][active]
