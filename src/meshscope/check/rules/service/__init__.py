"""Rules about services."""
