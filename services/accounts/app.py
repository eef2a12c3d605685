"""What a process of this service is made of."""

from chassis.service import Platform, Service
from chassis.settings import MachineClient, Settings
from services.accounts.hashing import Hasher
from services.accounts.people import api as people
from services.accounts.registrations import api as registrations
from services.accounts.registrations import chores
from services.accounts.sessions import api as sessions
from services.accounts.tokens import api as tokens
from services.accounts.tokens import signing, storage
from services.accounts.tools import Tools


class AccountsSettings(Settings):
    """`machines`: the other systems of the agency that may ask for tokens (MANDAT_MACHINES, a JSON list)."""

    machines: tuple[MachineClient, ...] = ()


async def build(platform: Platform) -> Tools:
    """The tools; makes the first signing key when there is none."""
    assert isinstance(platform.settings, AccountsSettings)
    await storage.insert_first(platform.pool, signing.generate(platform.keyring), platform.origin.clock())
    return Tools(
        agency=platform.agency,
        keyring=platform.keyring,
        sealer=platform.sealer,
        hasher=Hasher(),
        signer=signing.Signer(platform.settings.issuer_base, platform.keyring),
        machines={machine.client_id: machine for machine in platform.settings.machines},
    )


service = Service(
    name="accounts",
    description="People's accounts: the terms of use, registering, signing in, sessions, and tokens for other systems.",
    settings=AccountsSettings,
    tools=build,
    routers=[registrations.routes, sessions.routes, people.routes, tokens.routes],
    chores=lambda unit: [chores.forgetting(unit)],
)
