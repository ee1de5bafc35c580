"""The command line: one small file a sub-command, with `add(commands)` and `run(args)`."""
