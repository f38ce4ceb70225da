"""Rules about objects of operators."""
