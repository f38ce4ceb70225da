"""Rules about Prometheus rules."""
