"""Artefacts and model to findings; one rule a file."""
