"""The folder of a run: its files, its jobs, its notes and where it came from."""
