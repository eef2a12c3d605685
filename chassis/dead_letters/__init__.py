"""Messages that could not be handled: kept whole with the reason, shown with secrets masked, redriven or dropped.

They lie in the database of their effects: an outage of that database pauses the door instead of losing the message.
What operators and agents do with them is told in docs/operations/redrive.md.
"""
