"""Everything that is built, for both providers and both environments, is accepted by the real programs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.building.test_same_bytes import house
from tests.conftest import engine_folder

ENGINES = ("promtool", "amtool", "otelcol", "otelcol-logs")
# No build of ours has these; they are judged by their documented schema only. The list may shrink, never grow unseen.
UNJUDGED = "exporters/loadbalancing/gateway, receivers/host_metrics, receivers/kubelet_stats in collectors/node.yaml"
OBJECTS = "objects of "


@pytest.mark.engines(*ENGINES)
@pytest.mark.parametrize("environment", ["", "staging"])
@pytest.mark.parametrize("provider", ["istio", "opentelemetry"])
@pytest.mark.parametrize("emit", ["files", "operator"])
def test_real_programs_accept_what_is_built(tmp_path, engine, provider, environment, emit):
    for name in ENGINES:
        engine(name)
    root = house(tmp_path / "house")
    mesh = root / "mesh.py"
    mesh.write_text(mesh.read_text().replace('provider="istio"', f'provider="{provider}"'))
    done = subprocess.run(
        [
            Path(sys.executable).with_name("meshscope"),
            *("check", "--emit", emit, *(["--env", environment] if environment else [])),
        ],
        cwd=root,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MESHSCOPE_CACHE": str(engine_folder().parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    judged, _, unjudged = done.stdout.rstrip().splitlines()[-1].partition("; not judged: ")
    assert judged == "judged by promtool 3.16.0, amtool 0.34.2, otelcol 0.155.0 and 0.149.0"
    components, _, objects = unjudged.partition(f", {OBJECTS}")
    assert components == UNJUDGED
    assert bool(objects) == (emit == "operator")
