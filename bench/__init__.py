"""How fast and how small: the figures of `make bench`, each measured on the real thing."""
