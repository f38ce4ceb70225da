"""The demo: a mesh of local processes, observed by what was built for it, with a fault and everybody who is told."""
