"""The Python API behind `import smd`: see smd.__init__ for the names that it offers.

Nothing here is new work: own_loop drives smd.defenses, attack drives smd.evaluation, estimate
drives smd.estimators, run reads a stored run and train makes one.
"""
