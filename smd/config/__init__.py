"""What a job is asked to do: its fields, their checks, and how they are written in the shell."""
