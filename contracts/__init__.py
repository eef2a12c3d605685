"""The schema contracts that the four services share: events, agency data, problems. No I/O with a neighbour."""
