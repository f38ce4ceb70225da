"""A shop."""

from meshscope import Mesh

mesh = Mesh(name="My Shop", provider="istio")
