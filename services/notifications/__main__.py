"""`python -m services.notifications api | worker | all | migrate | openapi`."""

import sys

from chassis.service import main
from services.notifications.app import service

sys.exit(main(service, sys.argv[1:]))
