"""Mesh providers, one frozen value a file."""
