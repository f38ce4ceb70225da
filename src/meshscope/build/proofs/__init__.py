"""Unit tests for every generated alert, run by promtool. Their number does not grow with the mesh."""
