"""How the shipped schemas are made: one module for each family of them, and what these share."""
