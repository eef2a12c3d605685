"""What a paper may say: plain rules."""

from datetime import date, timedelta

from chassis.outcomes import Refusal

LONGEST_WAY = timedelta(days=366)  # between a paper's receipt and its entry: what is older is a slip of the pen


def refuse_receipt(received_on: date, today: date) -> Refusal | None:
    """A paper was received before it is entered, and not years ago."""
    if today - LONGEST_WAY <= received_on <= today:
        return None
    return Refusal("paper_date_refused", fields=("received_on",))
