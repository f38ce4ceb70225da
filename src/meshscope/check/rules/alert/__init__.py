"""Rules about alerts of definition files."""
