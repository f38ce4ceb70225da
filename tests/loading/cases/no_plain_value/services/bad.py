from meshscope import Service

odd = type("Odd", (str,), {})
cart = Service(name="cart", namespace="shop", runbook=odd("cart.md"))
