from meshscope import Service
from services.people import availability

cart = Service(name="cart", namespace="shop", slos=availability)
