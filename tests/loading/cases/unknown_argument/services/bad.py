from meshscope import Service

cart = Service(name="cart", namspace="shop")
