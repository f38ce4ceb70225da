"""Honest twins of every port, in memory: they pass the same conformance suites as the real ones."""
