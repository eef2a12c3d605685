"""What linking is told by its environment besides what all services are."""

from collections.abc import Mapping

from chassis.settings import Settings
from services.linking.former_credentials.directory import DirectorySettings


class LinkingSettings(Settings):
    """`directories`: of each former credential whose source is a directory, by the linking method's code
    (MANDAT_DIRECTORIES, a JSON object)."""

    directories: Mapping[str, DirectorySettings] = {}
