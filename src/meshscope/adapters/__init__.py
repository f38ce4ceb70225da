"""Everything that speaks a foreign tongue; only wiring imports from here."""
