"""Claims: accounts that ask to act for an organization; the first who proves it manages it, others ask."""
