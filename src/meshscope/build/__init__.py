"""Definitions to artefacts; pure, one module for each kind of artefact."""
