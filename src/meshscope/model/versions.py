"""The versions of the programs that read the artefacts, as a definition declares them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from meshscope.findings import DefinitionError, Finding, Place, here

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:[-+][0-9A-Za-z.-]+)?")

# The oldest release that takes what is generated, by program, and why an older one does not.
OLDEST: Mapping[str, tuple[str, str]] = {
    "prometheus": (
        "3.0.0",
        # CHANGELOG.md of Prometheus 3.0.0 (#14894, #15384); before, the receiver was a feature flag.
        "older ones know neither --web.enable-otlp-receiver nor otlp.translation_strategy",
    ),
    "alertmanager": (
        "0.30.0",
        # CHANGELOG.md of Alertmanager 0.30.0 (#4628); amtool 0.28.0 refuses them.
        "inhibition rules have no names in older ones",
    ),
    "otelcol": (
        "0.149.0",
        # The oldest collector that was built here and judged the configurations.
        "components have other names and options in older ones",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Versions:
    """The versions of the programs that read the artefacts, each as ``3.16.0``.

    What is generated suits them. Raises `DefinitionError` for what is no version, and for one older than `OLDEST`.
    Dashboards are the same for every Grafana.

    Example::

        Mesh(name="boutique", provider="istio", versions=Versions(prometheus="3.11.0"))
    """

    otelcol: str = "0.155.0"
    """The OpenTelemetry Collector."""
    prometheus: str = "3.16.0"
    """Prometheus."""
    alertmanager: str = "0.34.2"
    """Alertmanager."""
    grafana: str = "13.2"
    """Grafana."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        for program in ("otelcol", "prometheus", "alertmanager", "grafana"):
            self._check(program, getattr(self, program))

    def by_program(self) -> dict[str, str]:
        """Each version by the field's name."""
        return {name: getattr(self, name) for name in ("otelcol", "prometheus", "alertmanager", "grafana")}

    def _check(self, program: str, version: str) -> None:
        if _VERSION.fullmatch(version) is None:
            raise DefinitionError(
                Finding(
                    code="mesh/bad-version",
                    title=f"`{version}` is no version of {program}",
                    place=self.place,
                    argument=program,
                    why="what is generated depends on it, and objects of operators name images by it",
                    help=f'write the release\'s numbers alone, for example {program}="{getattr(Versions, program)}"',
                )
            )
        oldest, lacking = OLDEST.get(program, ("0", ""))
        if numbers(version) < numbers(oldest):
            raise DefinitionError(
                Finding(
                    code="mesh/unsupported-version",
                    title=f"{program} {version} is too old: the oldest that is supported is {oldest}",
                    place=self.place,
                    argument=program,
                    why=f"{lacking}, so it would refuse what is generated",
                    help=f"upgrade it to {oldest} or newer",
                )
            )


def numbers(version: str) -> tuple[int, int, int]:
    """Major, minor and patch of a version, noughts where they are missing; ``3.0.0-rc.1`` counts as 3.0.0."""
    found = _VERSION.match(version)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else (0, 0, 0)
