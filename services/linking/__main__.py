"""Run one role of the service: `python -m services.linking api | worker | all | migrate | openapi`."""

import sys

from chassis.service import main
from services.linking.app import service

if __name__ == "__main__":
    sys.exit(main(service, sys.argv[1:]))
