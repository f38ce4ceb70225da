from meshscope import Mesh

other = Mesh(name="other", provider="istio")
