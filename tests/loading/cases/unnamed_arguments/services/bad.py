from meshscope import Service

cart = Service("cart", "shop")
