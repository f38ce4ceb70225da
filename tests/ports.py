"""Ports of this machine for what tests start."""

from meshscope.demo.workshop import free_ports

_given: set[int] = set()


def free_port() -> int:
    """One that nobody listens on, nor is given any other time."""
    (port,) = free_ports(1)
    if port in _given:
        return free_port()
    _given.add(port)
    return port
