"""What Grafana has that dashboards ask: its data sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from meshscope.findings import DefinitionError, Finding, Place, here


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """A data source of Grafana that dashboards may ask besides the mesh's own metrics, traces and logs.

    ``kind`` is the id of its plugin (``loki``, ``elasticsearch``, ``grafana-postgresql-datasource``), ``uid`` what
    dashboards call it (its name in lower case where nothing else is said), ``name`` what people see. With ``url`` the
    build provisions it, with ``settings`` as its ``jsonData``; without, Grafana has it already. Credentials are never
    written here: name them in Grafana, or let ``settings`` read its environment (``$__env{...}``).

    Example::

        Mesh(name="boutique", provider="istio", data_sources=(DataSource(name="Orders", kind="mysql"),))
    """

    name: str
    """What Grafana calls it."""
    kind: str
    """Grafana's word for its type: `prometheus`, `loki`, `elasticsearch`, ..."""
    uid: str = ""
    """The uid by which dashboards name it; its name in lower case, where not said."""
    url: str = ""
    """Where Grafana asks it; with one, the build provisions it."""
    settings: Mapping[str, object] = field(default_factory=dict, hash=False)
    """Grafana's own settings for its kind (`jsonData`)."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.uid:
            object.__setattr__(self, "uid", "-".join(self.name.lower().split()))
        for word, value in (("name", self.name), ("kind", self.kind)):
            if not value.strip():
                raise DefinitionError(
                    Finding(
                        code="mesh/unnamed-data-source",
                        title=f"a data source has an empty {word}",
                        place=self.place,
                        argument=word,
                        why="dashboards ask a data source by its uid, and Grafana reads it by the plugin of its kind",
                        help='write DataSource(name="Orders", kind="grafana-postgresql-datasource")',
                    )
                )
