"""From a due mail to a mail host: whose turn it is, whether it may go, over which connection, what came of it."""
