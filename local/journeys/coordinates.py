"""Linking coordinates for the demo people on file, as an agent of the agency would send them before the launch."""

from pathlib import Path
from typing import Protocol

import httpx

from contracts import agency as agencies
from contracts.agency.demo import load_demo
from local.issuer import AGENTS
from local.journeys.portal import PATIENCE


class Launched(Protocol):
    """What is asked here of a platform that runs."""

    @property
    def agency_folder(self) -> Path:
        """The agency's data, as the services read them."""

    @property
    def demo_issuer(self) -> str:
        """Base URL of the issuer of demo agents' tokens."""

    def gateway(self, service: str) -> str:
        """Base URL of a service's public HTTP interface."""


def send(stack: Launched) -> None:
    """Ask for coordinates for every demo person who gets them from an agent's batch. Repeated, it sends nothing again.

    Raises httpx.HTTPError.
    """
    agency = agencies.load(stack.agency_folder)
    people = [person for person in load_demo(agency).sign_ins.people if person.coordinates == "agent_batch"]
    numbers = sorted({(person.organization.kind, person.organization.number) for person in people})
    if not numbers:
        return
    with httpx.Client(timeout=PATIENCE) as http:
        name = next(iter(AGENTS.values()))
        token = http.post(f"{stack.demo_issuer}/token", json={"name": name}).raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        gateway = stack.gateway("authorizations")
        ids = []
        for kind, number in numbers:
            found = http.get(f"{gateway}/v1/organizations", params={"number": number}, headers=headers)
            ids += [row["organization_id"] for row in found.raise_for_status().json()["items"] if row["kind"] == kind]
        functions = [code for code, kind in agency.relation_types.items() if kind.shape == "membership"]
        batch = {"organization_ids": ids, "functions": functions}
        once = headers | {"Idempotency-Key": "demo-coordinates"}
        http.post(f"{gateway}/v1/linking-code-batches", json=batch, headers=once).raise_for_status()
