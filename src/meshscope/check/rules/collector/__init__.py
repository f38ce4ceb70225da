"""Rules about collectors."""
