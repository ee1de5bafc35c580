"""A job's batches, done by this process or dealt to several, each on a device of its own."""
