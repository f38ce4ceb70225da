"""The boutique's dashboards as they are built, once for each provider and environment."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from meshscope.artefacts.documents import GrafanaDashboard
from meshscope.build.dashboards import dashboards
from meshscope.build.options import Options
from meshscope.model.model import Model
from meshscope.wiring.load import House, load
from meshscope.wiring.providers import provider
from tests.conftest import ROOT
from tests.houses import SMALL

TRUE = Options()


@cache
def boutique(environment: str | None = None) -> Model:
    """The reference mesh."""
    house = load(ROOT, environment)
    assert house.model is not None, house.findings
    return house.model


@cache
def built(name: str, environment: str | None = None) -> tuple[GrafanaDashboard, ...]:
    """The boutique's dashboards on one provider."""
    known, findings = provider(name, None)
    assert known is not None, findings
    return dashboards(boutique(environment), known, Options())


@pytest.fixture
def house(tmp_path: Path) -> Callable[[Mapping[str, str]], House]:
    """Load a small house with these files beside its own."""

    def loaded(files: Mapping[str, str], seconds: float = 30) -> House:
        for path, text in {**SMALL, **files}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        return load(tmp_path, seconds=seconds)

    return loaded


def drawn(house: House, options: Options = TRUE) -> dict[str, GrafanaDashboard]:
    """The dashboards of a house on Istio, by name."""
    assert house.model is not None, house.findings
    known, _ = provider("istio", None)
    assert known is not None
    return {each.name: each for each in dashboards(house.model, known, options)}
