"""The agent on one machine: a bundle and a configuration, married to a ledger, a target, a tracker and its senders."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from opentelemetry.trace import Tracer

from meshscope.adapters.hands.commands import Commands
from meshscope.adapters.hands.webhooks import Webhook, Webhooks
from meshscope.adapters.stores.access import Access
from meshscope.adapters.stores.alertmanager import AlertmanagerSource
from meshscope.adapters.stores.prometheus import PrometheusStore
from meshscope.adapters.targets.processes import Processes
from meshscope.adapters.tracers.otlp import otlp_tracer
from meshscope.adapters.trackers.markdown import MarkdownTracker
from meshscope.deploy.plan import Step, Verb
from meshscope.feedback.agent import Agent, Engagement
from meshscope.feedback.casebook import Casebook
from meshscope.feedback.telemetry import Telemetry
from meshscope.feedback.tools import Tools
from meshscope.findings import Finding, MeshscopeError
from meshscope.wiring.actions import found_actions
from meshscope.wiring.agent_settings import Configuration
from meshscope.wiring.bundles import Bundle
from meshscope.wiring.clock import SystemClock
from meshscope.wiring.ledgers import open_ledger

SECRET, STOP = "issue-key", "stop"
_METRIC_SECONDS = 2.0
_RECEIVERS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


@dataclass(frozen=True, kw_only=True)
class Ready:
    """An agent that is ready to start, and what it tells of itself."""

    agent: Agent
    telemetry: Telemetry


@contextmanager
def engaged(bundle: Bundle, configuration: Configuration, step: Step = lambda _: None) -> Iterator[Ready]:
    """An agent over its ledger; leaving the context ends its parts, then the ledger.

    ``step`` is told before and after each write and each call that changes the world; only tests give one.
    Raises `MeshscopeError` where something that it needs is missing or another agent works on the same ledger.
    """
    settings = configuration.settings.scaled(float(bundle.scale))
    clock = SystemClock()
    with ExitStack() as ends:
        ledger = open_ledger(configuration.state, configuration.anchors)
        ends.callback(ledger.close)
        telemetry = Telemetry(_tracer(bundle, configuration, ends))
        secret = issue_key(configuration.state)
        known = found_actions()
        target = Processes(configuration.groups)
        hooks = {name: Webhook(url=hook.url, token_file=hook.token_file) for name, hook in configuration.hooks.items()}
        tools = Tools(
            catalog=bundle.catalog,
            book=Casebook(ledger, clock),
            actions=known,
            target=target,
            hands={
                Verb.KILL: target,
                Verb.QUARANTINE: target,
                Verb.RUN: Commands(configuration.commands),
                Verb.CALL: Webhooks(hooks),
            },
            metrics=_metrics(bundle, configuration),
            settings=settings,
            telemetry=telemetry,
            stop_file=_stop_file(configuration),
            step=step,
            new_token=lambda: secrets.token_urlsafe(18),
            restored=lambda: ledger.restored,
        )
        agent = Agent(
            Engagement(
                tools=tools,
                tracker=MarkdownTracker(configuration.issues, secret=secret),
                sources={tenant: AlertmanagerSource(url) for tenant, url in configuration.alertmanagers.items()},
                secret=secret,
                step=step,
                clear_restored=ledger.clear_restored,
            )
        )
        ends.callback(agent.close)
        yield Ready(agent=agent, telemetry=telemetry)


def issue_key(state: Path) -> bytes:
    """The key by which the agent's own issues are told from others, made once. Raises `MeshscopeError`."""
    path = state / SECRET
    try:
        state.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            fresh = path.with_suffix(".new")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
                stream.write(secrets.token_bytes(32))
                stream.flush()
                os.fsync(stream.fileno())
            fresh.rename(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise _bad_key(path, "others may read it, and could forge issues")
        return path.read_bytes()
    except OSError as error:
        raise _bad_key(path, str(error.strerror)) from error


def _tracer(bundle: Bundle, configuration: Configuration, ends: ExitStack) -> Tracer | None:
    """What makes the agent's own spans, where the configuration or the environment names a receiver of them."""
    address = configuration.traces
    if not (any(map(os.environ.get, _RECEIVERS)) if address is None else address):
        return None
    known = bundle.catalog
    about = {"meshscope.mesh": known.mesh, "deployment.environment.name": known.environment}
    return ends.enter_context(otlp_tracer(address or "", {name: value for name, value in about.items() if value}))


def _metrics(bundle: Bundle, configuration: Configuration) -> PrometheusStore | None:
    url = configuration.prometheus
    if url is None:
        url = str(bundle.catalog.addresses.get("prometheus") or "")
    return PrometheusStore(url, Access(), seconds=_METRIC_SECONDS) if url else None


def _stop_file(configuration: Configuration) -> _StopFile:
    return _StopFile(configuration.stop_file or configuration.state / STOP)


@dataclass(frozen=True)
class _StopFile:
    """A file that stops every act for as long as it is there; its text is the reason."""

    path: Path

    def __call__(self) -> str:
        try:
            return f"{self.path}: {self.path.read_text(errors='replace').strip()[:200] or 'no reason given'}"
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"{self.path} can't be read: {error.strerror}"


def _bad_key(path: Path, why: str) -> MeshscopeError:
    return MeshscopeError(
        Finding(
            code="agent/bad-key",
            title=f"the key of the agent's issues, {path}, can't be used",
            why=why,
            help=f"make it readable for the agent alone: chmod 600 {path}",
        )
    )
