"""Rules about SLOs."""
