"""What a process of the service linking is made of."""

import secrets
from decimal import Decimal

from chassis.made import Digested, Locked, Made
from chassis.sealing import Vault
from chassis.service import Platform, Service
from contracts.agency import Agency
from contracts.agency.linking import WITHOUT_METHOD, FormerCredential
from contracts.authorizations import ReportedPayroll
from services.linking.bindings import storage as bindings
from services.linking.claims import api as claims
from services.linking.claims import storage as claims_storage
from services.linking.claims.watching import Watch
from services.linking.codes.handlers import CODE_PURPOSE
from services.linking.consumers import SUBSCRIPTIONS
from services.linking.former_credentials import chores
from services.linking.former_credentials import storage as former_storage
from services.linking.former_credentials.directory import Directory
from services.linking.former_credentials.proving import Prover
from services.linking.letters import api as letters
from services.linking.links import api as links
from services.linking.methods import api as methods
from services.linking.organization_codes import api as organization_codes
from services.linking.settings import LinkingSettings
from services.linking.tools import Tools


async def _tools(platform: Platform) -> Tools:
    """Raises FaultyFiles for a method in use that the agency's folder lacks, ValueError as `_directories`."""
    settings = platform.settings
    assert isinstance(settings, LinkingSettings)
    rooms = (bindings, claims_storage, former_storage)
    used = {method for room in rooms for method in await room.methods_in_use(platform.pool)} - WITHOUT_METHOD
    capacities = await claims_storage.capacities_in_use(platform.pool)
    platform.agency.require_codes({"linking_methods": used, "capacities": capacities})
    allowed = platform.agency.limits.organization_codes
    return Tools(
        agency=platform.agency,
        sealer=platform.sealer,
        keyring=platform.keyring,
        nobodys_digest=platform.keyring.digest(CODE_PURPOSE, secrets.token_hex()),
        prover=Prover.of(platform.keyring, _directories(platform.agency, settings)),
        vault=(vault := Vault(platform.keyring)),
        nobodys_payroll=vault.lock(ReportedPayroll(year=2000, amount=Decimal(0)).model_dump_json().encode()),
        claims=Watch(platform.pool, allowed.waits_per_account if allowed else 0, platform.stopping),
    )


def _directories(agency: Agency, settings: LinkingSettings) -> dict[str, Directory]:
    """Each directory that the agency's linking methods ask. Raises ValueError for one without settings."""
    asked = {
        method.code
        for method in agency.linking_methods.values()
        if isinstance(method, FormerCredential) and method.source == "directory"
    }
    if missing := sorted(asked - settings.directories.keys()):
        raise ValueError(f"MANDAT_DIRECTORIES names no directory for {', '.join(missing)}")
    return {code: Directory(settings.directories[code]) for code in sorted(asked)}


service: Service[Tools] = Service(
    name="linking",
    description="Links a person's account to the agency's files about that person, and lists the profiles that result.",
    settings=LinkingSettings,
    tools=_tools,
    routers=(methods.routes, links.routes, claims.routes, organization_codes.routes, letters.routes),
    subscriptions=SUBSCRIPTIONS,
    chores=lambda unit: [chores.forgetting(unit)],
    made=Made(
        locked=[
            Locked("organization_files", ("organization_id",), "facts"),
            Locked("organization_codes", ("organization_id", "issue"), "kept"),
        ],
        digested=[
            Digested("linking_codes", "digest", alive="ended_at is null and expires_at > now()"),
            Digested("organization_codes", "digest", made_at="issued_at", alive="ended_at is null"),
            Digested("former_credentials", "digest"),
            Digested("former_credentials", "user_name", made_at="imported_at"),
            Digested("former_redemptions", "user_name", made_at="redeemed_at"),
        ],
        seals_stay="the states of authorizations.organizations carry facts sealed to it for as long as they stand",
    ),
)
