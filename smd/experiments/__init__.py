"""Several runs at once: sweeps, and the tables of the paper made again."""
