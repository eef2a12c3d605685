"""What a process of this service is made of."""

from chassis.made import Digested, Locked, Made
from chassis.service import Platform, Service
from services.accounts import chores
from services.accounts.address_proofs import api as address_proofs
from services.accounts.consumers import SUBSCRIPTIONS
from services.accounts.credentials import api as credentials
from services.accounts.deactivations import api as deactivations
from services.accounts.doors import api as doors
from services.accounts.doors.issuers import Issuers
from services.accounts.email_changes import api as email_changes
from services.accounts.erasing import api as erasing
from services.accounts.hashing import Hasher
from services.accounts.help import api as help_texts
from services.accounts.lapsing.chores import lapsing
from services.accounts.password_resets import api as password_resets
from services.accounts.people import api as people
from services.accounts.people import storage as people_storage
from services.accounts.proofs import api as proofs
from services.accounts.registrations import api as registrations
from services.accounts.sessions import api as sessions
from services.accounts.settings import AccountsSettings
from services.accounts.signals import places
from services.accounts.terms import api as terms
from services.accounts.terms import storage as acceptances
from services.accounts.tokens import api as tokens
from services.accounts.tokens import signing, storage
from services.accounts.tools import Tools


async def build(platform: Platform) -> Tools:
    """The tools; makes the first signing key when there is none.

    Raises FaultyFiles when the agency's folder lacks terms that somebody accepted, or a door or portal in use;
    OSError or ValueError for a table of places that cannot be read.
    """
    assert isinstance(platform.settings, AccountsSettings)
    platform.agency.require_terms(await acceptances.accepted_versions(platform.pool))
    platform.agency.require_codes(
        {
            "doors": await people_storage.doors_in_use(platform.pool),
            "portals": await people_storage.portals_in_use(platform.pool),
        }
    )
    await storage.insert_first(platform.pool, signing.generate(platform.keyring), platform.origin.clock())
    return Tools(
        agency=platform.agency,
        keyring=platform.keyring,
        sealer=platform.sealer,
        hasher=Hasher(),
        signer=signing.Signer(platform.settings.issuer_base, platform.keyring),
        machines=platform.settings.machines,
        issuers=Issuers(),
        places=places.read(platform.settings.places),
    )


service = Service(
    name="accounts",
    description="People's accounts: terms of use, registering, signing in, passwords, addresses, proofs; tokens.",
    settings=AccountsSettings,
    tools=build,
    routers=[
        terms.routes,
        help_texts.routes,
        registrations.routes,
        sessions.routes,
        credentials.routes,
        doors.routes,
        password_resets.routes,
        people.routes,
        email_changes.routes,
        deactivations.routes,
        erasing.routes,
        proofs.routes,
        address_proofs.routes,
        tokens.routes,
    ],
    subscriptions=SUBSCRIPTIONS,
    chores=lambda unit: [*chores.forgetting(unit), lapsing(unit)],
    made=Made(
        locked=[Locked("signing_keys", ("kid",), "private_jwk")],
        digested=[
            Digested("registrations", "code_digest", alive="code_expires_at > now()"),
            Digested("password_resets", "code_digest", alive="code_expires_at > now()"),
            Digested("email_changes", "code_digest", alive="code_expires_at > now()"),
            Digested("address_proofs", "code_digest", alive="code_expires_at > now()"),
            Digested("known_networks", "digest", made_at="seen_at"),
            Digested("sightings", "network", made_at="seen_from"),
        ],
        seals_stay="the states of authorizations.contacts carry seals to it for as long as a credential is given",
    ),
)
