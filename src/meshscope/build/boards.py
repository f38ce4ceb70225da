"""What links to a dashboard need to know of it."""

from __future__ import annotations

from meshscope.model.mesh import Mesh


def board_uid(mesh: Mesh, name: str) -> str:
    """The uid of the dashboard called ``name``: the mesh's name and its own, 40 characters at most."""
    return f"{mesh.name}-{name}"[:40]
