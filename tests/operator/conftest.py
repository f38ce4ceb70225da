"""What is built from the reference mesh, for each provider."""

from pathlib import Path

import pytest

from meshscope.adapters.meshes import istio, opentelemetry
from meshscope.artefacts.artefacts import Artefacts
from meshscope.artefacts.files import File
from meshscope.build.assemble import assemble
from meshscope.build.options import Options
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider
from meshscope.wiring.load import load

ROOT = Path(__file__).resolve().parents[2]
PROVIDERS = {"istio": istio.PROVIDER, "opentelemetry": opentelemetry.PROVIDER}


@pytest.fixture(scope="session")
def boutique() -> Model:
    """The reference mesh as it stands."""
    model = load(ROOT).model
    assert model is not None
    return model


@pytest.fixture(scope="session")
def staging() -> Model:
    """The reference mesh in its other environment."""
    model = load(ROOT, "staging").model
    assert model is not None
    return model


@pytest.fixture(scope="session", params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest) -> MeshProvider:
    """Each mesh provider."""
    return PROVIDERS[request.param]


@pytest.fixture(scope="session")
def artefacts(boutique: Model, provider: MeshProvider) -> Artefacts:
    """All artefacts of the reference mesh."""
    return assemble(boutique, provider, Options()).artefacts


def write_files(files: tuple[File, ...], folder: Path) -> Path:
    """The files below ``folder``."""
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    return folder
