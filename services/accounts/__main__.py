"""python -m services.accounts api | worker | all | migrate | openapi."""

import sys

from chassis.service import main
from services.accounts.app import service

sys.exit(main(service, sys.argv[1:]))
