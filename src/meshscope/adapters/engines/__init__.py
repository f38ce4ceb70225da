"""Real programs that judge artefacts."""
