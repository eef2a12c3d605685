"""Who and what the journey is about: an employer, its people, and an employer that nobody manages."""

from dataclasses import dataclass, field
from typing import Any

from local.journeys import playing
from local.journeys.portal import Language, Someone

INACTIVE_NUMBER = "410003"
INACTIVE_NAME = "Tundra Sample Transport"
"""Inactive at the agency (agencies/wsscc/demo)."""

LETTER, STATEMENT, PAYMENTS = "clearance_letter", "account_statement", "payments"


@dataclass(frozen=True)
class Employer:
    """An employer as its papers show it. `typed` is its name as somebody types it who does not look twice."""

    number: str
    legal_name: str
    typed: str
    address_on_file: str
    payroll: str = ""
    """What it reported (agencies/wsscc/demo), as its people write it."""


@dataclass(frozen=True)
class Cast:
    """Who plays in one language. `other` is the employer that an agent brings in, and that nobody manages."""

    portal: str
    employer: Employer
    other: Employer
    first: Someone
    worker: Someone
    stranger: Someone
    invited: Someone
    early: Someone


def cast(language: Language) -> Cast:
    """The French part plays at the cooperative of Iqaluit, the English one at the drillers of Yellowknife."""
    if language == "fr":
        place = "coop.example"
        main = Employer("410002", "COOPÉRATIVE EXEMPLE D’IQALUIT LTÉE", "coop exemple", f"bureau@{place}", "365 250 $")
        other = Employer(
            "430002", "PÊCHERIES MODÈLE DE RANKIN INLET LTÉE", "Pecheries Modele de Rankin Inlet",
            "bureau@pecheries.example",
        )  # fmt: skip
        names = (("Démo", "Gestionnaire"), ("Démo", "Travailleur"), ("Démo", "Inconnue"), ("Démo", "Invitée"),
                 ("Démo", "Pêcheur"))  # fmt: skip
        address = ("gestionnaire", "travailleur", "inconnue", "invitee", "pecheur")
        phrase = "onze caribous sous la neige"
    else:
        place = "aurora.example"
        main = Employer(
            "410001", "AURORA DEMONSTRATION DRILLING LTD.", "Aurora drilling", f"office@{place}", "$1,840,000.00"
        )
        other = Employer(
            "430001", "MODEL ICE ROADS (YELLOWKNIFE) INC.", "model ice roads yellowknife", "office@roads.example"
        )
        names = (("Demo", "Administrator"), ("Demo", "Worker"), ("Demo", "Stranger"), ("Demo", "Invitee"),
                 ("Demo", "Driver"))  # fmt: skip
        address = ("administrator", "worker", "stranger", "invitee", "driver")
        phrase = "eleven caribou in the snow"
    people = [
        Someone(f"{mailbox}@{place}", phrase, given, family, language)
        for mailbox, (given, family) in zip(address, names, strict=True)
    ]
    return Cast("nu" if language == "fr" else "nt", main, other, *people)


@dataclass
class Journey(playing.Journey):
    """One playing of the guide in one language."""

    cast: Cast
    ids: dict[str, str] = field(default_factory=dict)
    """organization_id by the employer's number."""

    @property
    def employer_id(self) -> str:
        return self.ids[self.cast.employer.number]

    @property
    def other_id(self) -> str:
        return self.ids[self.cast.other.number]

    def managing(self, path: str) -> str:
        """A path of MON EMPLOYEUR."""
        return f"/v1/organizations/{self.employer_id}/{path}"


async def profile_at(journey: Journey, who: Someone, organization_id: str) -> dict[str, Any]:
    """The person's profile at an employer, once linking knows it; it is chosen from then on."""
    portal = journey.portal

    async def known() -> Any:
        answer = await portal.http.get(f"{portal.platform.gateway('linking')}/v1/profiles", headers=who.headers)
        items = answer.json().get("items", [])
        return next((item for item in items if item["organization"]["organization_id"] == organization_id), None)

    found: dict[str, Any] = await portal.until(known, "the profile")
    who.profile = found["contact_id"]
    return found
