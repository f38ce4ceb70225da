"""What links to a dashboard need to know of it."""

from __future__ import annotations

import hashlib
import re

from meshscope.model.mesh import Mesh

LONGEST_UID = 40


def folder_path(folder: str) -> str:
    """What the folder of Grafana's called ``folder`` is called on a disk; a digest tells alike ones apart."""
    plain = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-")[:63]
    return plain if plain == folder else f"{plain}-{hashlib.sha256(folder.encode()).hexdigest()[:8]}".lstrip("-")


def board_uid(mesh: Mesh, name: str) -> str:
    """The uid of the dashboard called ``name``: the mesh's name and its own, within the 40 characters Grafana takes.

    What is longer ends in a digest, so that two long names never share one uid.
    """
    whole = f"{mesh.name}-{name}"
    if len(whole) <= LONGEST_UID:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return f"{whole[: LONGEST_UID - 9]}-{digest}"
