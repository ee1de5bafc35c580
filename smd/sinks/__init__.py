"""Experiment trackers: where a job's events go beside the store; none can stop or change it."""
