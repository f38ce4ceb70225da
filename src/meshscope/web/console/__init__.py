"""The console: the agent's web page, for whoever was woken."""

from meshscope.web.console.app import console

__all__ = ["console"]
