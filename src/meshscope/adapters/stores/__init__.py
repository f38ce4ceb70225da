"""Stores of metrics that are asked over the network."""
