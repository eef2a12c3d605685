"""That another person uses an account: reported by people, or suspected by accounts; agents look, and decide."""
