"""All dashboards, in the order in which to look at them."""

from tests.deploy.dashboards import agency, capacity, gateways, mails, messaging, overview

BOARDS = (overview.BOARD, gateways.BOARD, messaging.BOARD, mails.BOARD, agency.BOARD, capacity.BOARD)
