"""Houses for tests, and the installed command that is run on them as a person would."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MESHSCOPE = Path(sys.executable).parent / "meshscope"

MESH = '''\
"""A shop."""

from meshscope import Mesh
from services.people import payments

mesh = Mesh(
    name="shop",
    provider="istio",
    cluster="eu-1",
    owner=payments,
    grafana="https://grafana.shop.internal",
    console="https://meshscope.shop.internal",
    runbooks="https://wiki.shop.internal/runbooks",
)
'''
PEOPLE = '''\
"""Who answers, and what was promised."""

from meshscope import SLO, Availability, Owner, Service, days, percent

payments = Owner(name="payments", issues="github:acme/payments", pager="pagerduty:payments", chat="slack:#payments")
availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=30 * days)
ledger = Service(name="ledger", namespace="shop", owner=payments, runbook="ledger.md", slos=(availability,))
'''
SMALL: Mapping[str, str] = {"mesh.py": MESH, "services/people.py": PEOPLE}


@dataclass(frozen=True)
class House:
    """A folder of definitions, and what a command says when it is run there."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(
        self, *arguments: str, status: int | None = None, extra: Mapping[str, str] | None = None, **more: object
    ) -> "subprocess.CompletedProcess[str]":
        """Run the installed command in the house; ``status`` is the exit code that is expected."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "MESHSCOPE_CACHE") if name in os.environ}
        ended = subprocess.run(
            [str(MESHSCOPE), *arguments],
            cwd=self.root,
            env={**kept, "LANG": "C.UTF-8", **self.environment, **(extra or {})},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            **more,
        )
        assert "Traceback" not in ended.stderr, ended.stderr
        assert status is None or ended.returncode == status, (ended.returncode, ended.stdout, ended.stderr)
        return ended

    def write(self, files: Mapping[str, str]) -> "House":
        """Write files, folders too."""
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, encoding="utf-8")
        return self


def small(root: Path, **more: str) -> House:
    """A house of one service, and ``more``, files by path with __ for a slash and without .py."""
    files = {f"{name.replace('__', '/')}.py": text for name, text in more.items()}
    return House(root).write({**SMALL, **files})
