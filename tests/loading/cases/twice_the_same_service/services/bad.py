from meshscope import Service

other = Service(name="ledger", namespace="shop")
