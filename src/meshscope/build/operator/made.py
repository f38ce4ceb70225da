"""How every object is made: its labels, so that selectors find it, and the comment on top."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from meshscope.artefacts.objects import KubernetesObject
from meshscope.artefacts.yaml import dump
from meshscope.build.heading import heading
from meshscope.findings import Place
from meshscope.model.mesh import Mesh

# `kubectl apply` and Argo CD keep a copy of what they applied in an annotation, and annotations hold 256 KiB. The
# server keeps no copy when it does the applying.
_CLIENT_SIDE_BYTES = 250 << 10
# Prometheus and Alertmanager select these by their labels.
_SELECTED = "monitoring.coreos.com/"
_SERVER_SIDE = {"argocd.argoproj.io/sync-options": "ServerSideApply=true"}


def made(
    mesh: Mesh,
    *,
    path: str,
    api: str,
    kind: str,
    name: str,
    namespace: str,
    body: Mapping[str, object],
    about: str,
    origins: Iterable[Place | None] = (),
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    body_text: str = "",
) -> KubernetesObject:
    """One object; ``body`` is all but its head, ``body_text`` the same as text where it is written in a way of its own.

    An empty namespace makes an object of the whole cluster.
    """
    from_definitions = tuple(origins)
    written = body_text or (dump(body) if body else "")
    notes = {**(annotations or {}), **(_SERVER_SIDE if len(written) > _CLIENT_SIDE_BYTES else {})}
    metadata: dict[str, object] = {"name": slug(name)}
    if namespace:
        metadata["namespace"] = namespace
    metadata["labels"] = {
        **(mesh.monitoring_labels if api.startswith(_SELECTED) else {}),
        "app.kubernetes.io/managed-by": "meshscope",
        "app.kubernetes.io/part-of": mesh.name,
        **(labels or {}),
    }
    if notes:
        metadata["annotations"] = notes
    head = {"apiVersion": api, "kind": kind, "metadata": metadata}
    return KubernetesObject(
        path=path,
        api=api,
        kind=kind,
        name=slug(name),
        namespace=namespace,
        document={**head, **body},
        text=heading(about, from_definitions) + dump(head) + written,
        origins=from_definitions,
    )


def slug(name: str) -> str:
    """``name`` as Kubernetes allows one: lower case letters, digits, dashes and dots, at most 253."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:253]
