"""The method on tensors: margins, EPGD, PGD, Lp geometry, losses and the randomness of a step."""
