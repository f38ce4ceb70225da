from meshscope import Service

cart = Service(name="cart", namespace="shop", volume=20)
