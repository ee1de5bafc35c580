"""Benchmarks: what a step, an attack, the store, the pages and a network's memory cost on this
machine.

`python -m smd.bench` runs the parts one after the other; nothing else of smd knows this package.
"""
