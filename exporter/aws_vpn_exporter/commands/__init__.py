"""The commands: each is one function with plain arguments that prints its output and returns the exit code."""
