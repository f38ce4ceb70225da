"""Artefacts and model to findings: our own rules, and real programs that judge."""
