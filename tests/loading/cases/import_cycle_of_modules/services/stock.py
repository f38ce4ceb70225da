import services.cart as other
from meshscope import Service

stock = Service(name="stock", namespace="shop", owner=other.shop)
