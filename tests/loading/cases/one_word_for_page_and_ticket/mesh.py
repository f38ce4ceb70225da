"""A shop."""

from meshscope import Mesh, SeverityWords

mesh = Mesh(name="shop", provider="istio", severities=SeverityWords(page="critical", ticket="critical"))
