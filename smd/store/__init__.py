"""The store of a run.

One DuckDB file, written by its job epoch by epoch and read by everybody else.
"""
