"""Prometheus rules: the number of rules that query does not grow with the mesh."""
