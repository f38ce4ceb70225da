from meshscope import Service
from services.people import payments

cart = Service(name="cart", namespace="shop", owner=paymnts)
