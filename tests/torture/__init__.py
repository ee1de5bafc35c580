"""The campaign of kills, full disks, set clocks, strangers and power losses, `make torture`: no
part of the tests.

Each module tries one kind of bad luck on real jobs, in folders of its own; docs/torture.md has what
was measured.
"""
