"""A copy of the house with one more environment, ``local``, in which everything listens on this machine.

Nothing is edited after the build: which ports there are is said in ``environments/local.py``, as for any environment,
and what runs behind them in the files that Prometheus reads its targets from.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from meshscope.artefacts.artefacts import Artefacts
from meshscope.build.alertmanager import AGENT_TOKEN, DEADMAN_URL, credentials
from meshscope.build.collectors.site import GRPC_PORT, HEALTH_PORT, HTTP_PORT, METRICS_PORT
from meshscope.build.prometheus import COLLECTORS, PROXIES
from meshscope.demo.receiver import CHAT_PATH, DEADMAN_PATH, PAGER_PATH
from meshscope.demo.workshop import LOOPBACK, free_ports, own_address
from meshscope.wiring.importing import FOLDERS

NAME = "local"
TOKEN = "for-this-machine-only"  # noqa: S105 - it guards nothing that outlives the demo
_SECRET = re.compile(r"\$\{env:SECRETS_DIRECTORY[^}]*\}/([\w.-]+)")
_COLLECTOR_PORTS = (GRPC_PORT, HTTP_PORT, HEALTH_PORT, METRICS_PORT)

_ENVIRONMENT = '''\
"""This machine: every program and everybody who is told, at ports that were free when the demo began."""

from meshscope import Environment, Mode

{name} = Environment(
    name="{name}",
    provider="istio",
    discovery="files",
    prometheus="{prometheus}",
    alertmanagers=("{alertmanager}",),
    agent="{agent}",
    console="{agent}",
    mode=Mode.ACT,
    pagerduty_url="{receiver}{pager}",
    smarthost="{mail}",
    mail_tls=False,
    secrets="{secrets}",
)
'''


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where everything of the demo listens: ports of this machine, and the collector's own address."""

    prometheus: int
    alertmanager: int
    receiver: int
    agent: int
    mail: int
    store: int
    collector: str

    def url(self, port: int) -> str:
        """The address of what listens at ``port``."""
        return f"http://{LOOPBACK}:{port}"


def ports() -> Ports:
    """Ports that are free now. Raises `MeshscopeError` where the collector's are all taken."""
    prometheus, alertmanager, receiver, agent, mail, store = free_ports(6)
    return Ports(
        prometheus=prometheus, alertmanager=alertmanager, receiver=receiver, agent=agent, mail=mail, store=store,
        collector=own_address(_COLLECTOR_PORTS),
    )  # fmt: skip


def copied(house: Path, folder: Path) -> Path:
    """The definitions of ``house`` in ``folder``, and nothing else of it."""
    home = folder / "house"
    home.mkdir()
    shutil.copy2(house / "mesh.py", home)
    for name in FOLDERS:
        if (house / name).is_dir():
            shutil.copytree(house / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    return home


def environment(home: Path, listening: Ports, secrets: Path) -> Path:
    """Write ``environments/local.py`` into the house ``home``, and return its path."""
    path = home / "environments" / f"{NAME}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        _ENVIRONMENT.format(
            name=NAME,
            prometheus=listening.url(listening.prometheus),
            alertmanager=f"{LOOPBACK}:{listening.alertmanager}",
            receiver=listening.url(listening.receiver),
            agent=listening.url(listening.agent),
            pager=PAGER_PATH,
            mail=f"{LOOPBACK}:{listening.mail}",
            secrets=secrets,
        ),
        encoding="utf-8",
    )
    return path


def write_secrets(artefacts: Artefacts, folder: Path, listening: Ports, agent: str) -> None:
    """Every credential that Alertmanager and collectors read as built; each pager's routing key is whom it wakes.

    ``agent`` is the token by which the agent knows Alertmanager.
    """
    folder.mkdir(mode=0o700)
    receiver = listening.url(listening.receiver)
    for name in {Path(path).name for path in credentials(artefacts.alertmanager)} | _tokens(artefacts):
        system, _, whom = name.partition("-")
        known = {"pagerduty": whom, "slack": f"{receiver}{CHAT_PATH}"}
        special = {DEADMAN_URL: f"{receiver}{DEADMAN_PATH}", AGENT_TOKEN: agent}
        (folder / name).write_text(special.get(name) or known.get(system, TOKEN), encoding="utf-8")


def _tokens(artefacts: Artefacts) -> set[str]:
    return {name for tier in artefacts.collectors for name in _SECRET.findall(json.dumps(tier.document))}


def write_targets(tree: Path, scraped: Mapping[str, Sequence[object]], collector: str) -> None:
    """The files in which Prometheus finds what it scrapes: each proxy with its namespace and pod, and the collector.

    An empty ``collector`` is none.
    """
    folder = tree / "prometheus" / "targets"
    folder.mkdir()
    proxies = [
        {"targets": [f"{host}:{port}"], "labels": {"namespace": namespace, "pod": pod}}
        for pod, (namespace, host, port) in scraped.items()
    ]
    about = {"namespace": "observability", "pod": "gateway-0"}
    collectors = [{"targets": [f"{collector}:{METRICS_PORT}"], "labels": about}] if collector else []
    for job, found in ((PROXIES, proxies), (COLLECTORS, collectors)):
        (folder / f"{job}.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
