"""The command line: its verbs, how it speaks, and what its exit codes mean."""

from meshscope.cli.main import main

__all__ = ["main"]
