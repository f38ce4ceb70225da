"""A built set of rules with its proofs, written where promtool can read it."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest

from meshscope.artefacts import yaml
from meshscope.artefacts.rules import RuleGroup
from meshscope.build.options import Options, time_scale
from meshscope.build.proofs.every import every_test
from meshscope.build.proofs.synthetic import bench
from meshscope.build.rules.files import querying_files
from meshscope.build.rules.indicators import raw
from meshscope.build.rules.statics import static_groups
from meshscope.model.model import Model
from meshscope.wiring.load import load
from meshscope.wiring.providers import provider

CONSTANTS = "tests/mesh/synthetic.yaml"
ROOT = Path(__file__).resolve().parents[2]


@lru_cache(maxsize=4)
def boutique(environment: str | None = None) -> Model:
    """The reference mesh."""
    house = load(ROOT, environment)
    assert house.model is not None, house.findings
    return house.model


@dataclass(frozen=True)
class Proof:
    """Rules and tests as text, by path below prometheus/."""

    files: dict[str, str]

    def mutated(self, change: Callable[[str], str], *, expected_changes: int = 1) -> "Proof":
        """The same with ``change`` made in every rule and constant; fails when it changes nothing."""
        files = {
            path: change(text) if "tests/" not in path or path == CONSTANTS else text
            for path, text in self.files.items()
        }
        changed = sum(files[path] != self.files[path] for path in files)
        assert changed >= expected_changes, "the mutation changes nothing"
        return Proof(files)


def proof(model: Model, name: str = "istio", scale: str = "1") -> Proof:
    """Everything that promtool needs to judge the rules of ``model``."""
    chosen, _ = provider(name, None)
    assert chosen is not None
    options = Options(time_scale=time_scale(scale))
    proved = bench(model, chosen, options)
    files = {
        f"rules/{file.name}.yaml": _groups(file.groups)
        for file in querying_files(model, raw(model, chosen, options), options)
    }
    files["tests/mesh/synthetic.yaml"] = _groups(static_groups(proved.model, chosen, options))
    for test in every_test(proved):
        files[f"tests/{test.name}.yaml"] = yaml.dump(test.document)
    return Proof(files)


def _groups(groups: tuple[RuleGroup, ...]) -> str:
    return yaml.dump(
        {
            "groups": [
                {"name": group.name, "interval": group.interval, "rules": [rule.document() for rule in group.rules]}
                for group in groups
            ]
        }
    )


@pytest.fixture
def promtool(engine: Callable[[str], Path], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run promtool's unit tests of the named file (a glob) over a proof, or only the stories that match."""
    program = engine("promtool")

    def run(proof: Proof, tests: str, story: str = "") -> subprocess.CompletedProcess[str]:
        for path, text in proof.files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        files = sorted(path for path in (tmp_path / "tests").glob(tests))
        assert files
        return subprocess.run(
            [program, "test", "rules", *(["--run", story] if story else []), *files],
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    return run
