"""python -m services.authorizations api | worker | all | migrate | openapi | import FILE"""

import sys

from chassis.service import main
from services.authorizations.app import service
from services.authorizations.imports import command

if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(command.main(arguments[1:]) if arguments[:1] == ["import"] else main(service, arguments))
