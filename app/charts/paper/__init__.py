"""The paper's figures, filled from one's own runs: table.py lists them."""
