from meshscope import Service
from services.cart import cart

stock = Service(name="stock", namespace="shop")
