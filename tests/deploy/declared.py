"""What the code of the platform declares: the settings that each service knows, and metrics."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

import prometheus_client

import chassis
import services
from chassis.settings import Settings
from services.accounts.settings import AccountsSettings
from services.linking.settings import LinkingSettings
from services.notifications.settings import NotificationsSettings

SETTINGS: Mapping[str, type[Settings]] = {
    "accounts": AccountsSettings,
    "linking": LinkingSettings,
    "authorizations": Settings,
    "notifications": NotificationsSettings,
}


@cache
def metrics() -> dict[str, Any]:
    """By each name that a scrape shows, the collector that is behind it."""
    for package in (chassis, services):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".tests" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found = prometheus_client.REGISTRY._names_to_collectors.items()
    return {name: collector for name, collector in found if name.startswith("mandat_")}
