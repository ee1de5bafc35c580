"""Which run, which margins and which images a page shows."""
