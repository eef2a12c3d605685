"""What the handlers of this service work with."""

import secrets
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Annotated, TypeAlias

from fastapi import Depends

from chassis.gateway import Call
from chassis.keys import Keyring
from chassis.sealing import Sealer, Vault
from contracts.agency import Agency
from contracts.agency.campaigns import Campaign
from contracts.agency.linking import LinkingCoordinates, OrganizationCode
from contracts.events import Language
from services.linking.claims.watching import Watch
from services.linking.former_credentials.proving import Prover


@dataclass(frozen=True)
class Tools:
    """The agency's data, this service's keys, what keeps what it may read again, and what is compared for nobody."""

    agency: Agency
    sealer: Sealer
    keyring: Keyring = field(repr=False)
    nobodys_digest: str = field(repr=False)
    prover: Prover
    vault: Vault = field(repr=False)
    nobodys_payroll: str = field(repr=False)
    claims: Watch

    def linking_coordinates(self, day: date) -> LinkingCoordinates | None:
        """The method of linking coordinates as the agency offers it on that day; None where it does not."""
        methods = self.agency.linking_methods.values()
        return next((m for m in methods if m.kind == "linking_coordinates" and m.in_force(day)), None)

    @cached_property
    def organization_code(self) -> OrganizationCode | None:
        """The method of organization codes, also when the agency offers it no longer: codes stay issued."""
        return next((m for m in self.agency.linking_methods.values() if m.kind == "organization_code"), None)

    def campaign(self, code: str | None, day: date) -> Campaign | None:
        """The campaign whose mail carries a code; None when it is over, or not yet in this process's data."""
        campaign = None if code is None else self.agency.campaigns.get(code)
        return campaign if campaign is not None and campaign.is_open(day) else None

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """The codes of functions in the order in which lists show them."""
        return tuple(self.agency.relation_types)

    def function_name(self, code: str, language: Language) -> str:
        """The function in words; its code while this process does not have the agency's newest data yet."""
        relation_type = self.agency.relation_types.get(code)
        return relation_type.name.in_(language) if relation_type else code


LinkingCall: TypeAlias = Annotated[Call[Tools], Depends(Call)]
"""One request on its way through this service."""


def draw_handle() -> str:
    """What a person may ask about a mail with."""
    return secrets.token_urlsafe(24)
