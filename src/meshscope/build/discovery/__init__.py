"""Definitions of a mesh that runs already, written from its own telemetry."""
