"""From the address of a Prometheus, manifests of Kubernetes, or both, to the definition files of a mesh."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from meshscope.adapters.stores.access import Access, access
from meshscope.adapters.stores.prometheus import PrometheusStore
from meshscope.artefacts.files import File
from meshscope.build.discovery.interpret import Discovered, interpret
from meshscope.build.discovery.join import joined
from meshscope.build.discovery.manifests import declared
from meshscope.build.discovery.report import Report, report
from meshscope.build.discovery.store import MetricStore
from meshscope.build.discovery.survey import survey
from meshscope.build.discovery.write import definitions
from meshscope.bundle.write import write
from meshscope.findings import Finding, MeshscopeError, counted
from meshscope.model.people import dns_label
from meshscope.model.provider import MeshProvider
from meshscope.wiring.assembly import providers
from meshscope.wiring.manifests import manifests as read_manifests
from meshscope.wiring.providers import provider as provider_named

ASK_SECONDS = 60.0


def discover(
    url: str | None,
    name: str,
    folder: Path,
    *,
    manifests: Path | None = None,
    http_config: Path | None = None,
    provider: str | None = None,
    seconds: float = ASK_SECONDS,
    beside: Sequence[File] = (),
    tell: Callable[[str], object] = lambda _: None,
) -> Report:
    """Write the definitions of the mesh ``name``, as the Prometheus at ``url`` shows it, into ``folder``.

    ``manifests`` is a folder of Kubernetes manifests, read instead of a Prometheus or beside it.
    ``http_config`` says who asks, in promtool's format; without it PROMETHEUS_TOKEN, or PROMETHEUS_USERNAME and
    PROMETHEUS_PASSWORD do. Each question has ``seconds``; ``tell`` hears what is asked. ``beside`` are files that no
    telemetry tells of and that the house gets too (alerts, dashboards). Raises `MeshscopeError` where
    ``folder`` holds something, where the store can't be asked or has no mesh, and `DefinitionError` for a bad
    ``name``; nothing is written then.
    """
    dns_label(name, "mesh", "name", None)
    refuse_occupied(folder)
    if url is None:
        return written(None, "", name, folder, manifests=manifests, provider=provider, beside=beside, tell=tell)
    asking = access(http_config) if http_config is not None else access_of(os.environ)
    with closing(PrometheusStore(url, asking, seconds=seconds)) as store:
        return written(store, store.url, name, folder, manifests=manifests, provider=provider, beside=beside, tell=tell)


def written(
    store: MetricStore | None,
    source: str,
    name: str,
    folder: Path,
    *,
    manifests: Path | None = None,
    provider: str | None = None,
    beside: Sequence[File] = (),
    tell: Callable[[str], object] = lambda _: None,
) -> Report:
    """The same from any store; ``source`` is how it is called in the report."""
    found = interpret(survey(store, _candidates(provider), tell), name) if store is not None else None
    if found is None or manifests is not None:
        found = _with_manifests(found, manifests or Path(), name, provider)
    files = [*definitions(found), *beside]
    try:
        write(folder, files)
    except MeshscopeError as error:
        # A tree that is built may go elsewhere with -o; a house goes where it is wanted.
        remedy = error.finding.help.replace(" with -o", "")
        raise MeshscopeError(replace(error.finding, code="new/unwritable", help=remedy)) from error
    return report(found, files, source, str(folder))


def _with_manifests(found: Discovered | None, folder: Path, name: str, provider: str | None) -> Discovered:
    documents, unread = read_manifests(folder)
    chosen = found.mesh.provider if found is not None else (provider or _candidates(None)[0].name)
    both = joined(found, declared(documents), name=name, provider=chosen, folder=str(folder))
    if not both.services:
        raise MeshscopeError(
            Finding(
                code="discover/no-service",
                title=f"the manifests in `{folder}` declare no service",
                why=f"of their {counted(len(documents), 'object')} none is a Service with a name",
                help="name the folder that holds the Services, or ask the mesh's Prometheus too: --from URL --from DIR",
            )
        )
    return replace(both, notes=(*both.notes, *unread))


def access_of(environment: Mapping[str, str]) -> Access:
    """Who asks, as the variables of ``environment`` say."""
    token, user = environment.get("PROMETHEUS_TOKEN", ""), environment.get("PROMETHEUS_USERNAME", "")
    return Access(
        authorization=f"Bearer {token}" if token else "",
        basic=(user, environment.get("PROMETHEUS_PASSWORD", "")) if user and not token else None,
    )


def refuse_occupied(folder: Path) -> None:
    """Raise `MeshscopeError` unless ``folder`` is missing or empty: what a person wrote is never replaced."""
    try:
        occupied = any(folder.iterdir()) if folder.is_dir() else folder.exists() or folder.is_symlink()
    except OSError as error:
        raise MeshscopeError(
            Finding(
                code="new/unreadable",
                title=f"`{folder}` can't be looked into: {error.strerror}",
                why="whether something is in it must be known before definitions are written there",
                help="name another folder, or have its owner let you read it",
            )
        ) from error
    if occupied:
        raise MeshscopeError(
            Finding(
                code="new/occupied",
                title=f"`{folder}` is not empty" if folder.is_dir() else f"`{folder}` is a file",
                why="definitions are written into a folder of their own, so that nothing of yours is replaced",
                help="name another folder, or move away what is there",
            )
        )


def _candidates(name: str | None) -> tuple[MeshProvider, ...]:
    """The providers to look for: the one that is named, else all, those that count where requests are made first."""
    if name is None:
        return tuple(sorted(providers().values(), key=lambda provider: (not provider.labels.caller, provider.name)))
    chosen, wrong = provider_named(name, None)
    if chosen is None:
        raise MeshscopeError(wrong[0])
    return (chosen,)
