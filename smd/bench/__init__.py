"""Benchmarks: time and memory of a step, an attack, the store and the pages on this machine.

`python -m smd.bench` runs the parts one after the other; nothing else of smd knows this package.
"""
