"""What starts a job: its fields, the time it takes, the command that does the same."""
