"""What a job's process does: the only rooms where the engine, the store and the session meet."""
