from meshscope import Service

cart = Service(name="cart")
