"""What a process of the service linking is made of."""

import secrets

from chassis.service import Platform, Service
from chassis.settings import Settings
from services.linking.codes.handlers import CODE_PURPOSE
from services.linking.consumers import SUBSCRIPTIONS
from services.linking.links import api as links
from services.linking.links import storage
from services.linking.methods import api as methods
from services.linking.tools import Tools


async def _tools(platform: Platform) -> Tools:
    """Raises FaultyFiles when the agency's folder lacks a linking method that a binding names."""
    platform.agency.require_codes({"linking_methods": await storage.methods_in_use(platform.pool)})
    return Tools(
        agency=platform.agency,
        sealer=platform.sealer,
        keyring=platform.keyring,
        nobodys_digest=platform.keyring.digest(CODE_PURPOSE, secrets.token_hex()),
    )


service: Service[Tools] = Service(
    name="linking",
    description="Links a person's account to the agency's files about that person, and lists the profiles that result.",
    settings=Settings,
    tools=_tools,
    routers=(methods.routes, links.routes),
    subscriptions=SUBSCRIPTIONS,
)
