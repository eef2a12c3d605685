"""Whether an address is one person's alone, as far as its spelling and what is known here can say."""
