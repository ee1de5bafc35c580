"""What columns of margins are called: those of L∞ are in 1/255, those of L2 lengths."""

MARGIN = {"Linf": "margin_255", "L2": "margin_l2"}
CHANGE = {"Linf": "change_255", "L2": "change_l2"}
