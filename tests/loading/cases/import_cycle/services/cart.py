from meshscope import Service
from services.stock import stock

cart = Service(name="cart", namespace="shop")
