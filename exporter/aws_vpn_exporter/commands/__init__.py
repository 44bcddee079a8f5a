"""The commands: each is one function with plain arguments that prints its output and returns the exit code."""

OUTPUTS = ("text", "json")
"""How a command prints: for a person, or one JSON object for a program."""
