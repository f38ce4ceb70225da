import services.stock as other
from meshscope import Service

cart = Service(name="cart", namespace="shop", owner=other.warehouse)
