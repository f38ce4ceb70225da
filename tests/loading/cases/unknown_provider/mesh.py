"""A shop."""

from meshscope import Mesh

mesh = Mesh(name="shop", provider="isto")
