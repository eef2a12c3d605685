"""An agency's folder as typed data: `load(folder)` gives an Agency or raises FaultyFiles."""

from contracts.agency.agency import Agency
from contracts.agency.files import Fault, FaultyFiles
from contracts.agency.loading import load
from contracts.agency.text import Text

__all__ = ["Agency", "Fault", "FaultyFiles", "Text", "load"]
