"""``meshscope agent``: the feedback agent, on a built bundle, behind its HTTP server."""

from __future__ import annotations

import gc
import json
import os
import secrets
import signal
import sys
import threading
from pathlib import Path

import click

from meshscope.feedback.credentials import Credentials, new_credential
from meshscope.feedback.desk import Role
from meshscope.feedback.people import EVERY_OWNER, People, hashed
from meshscope.findings import Finding, MeshscopeError
from meshscope.web.bounds import Bounds
from meshscope.web.console import console
from meshscope.web.listening import Tls
from meshscope.web.server import Running, application
from meshscope.wiring.agent import engaged
from meshscope.wiring.agent_settings import NAME, Configuration, configuration, defaults
from meshscope.wiring.bundles import Bundle, bundle

_SENDERS = ("alertmanager", "grafana", "falco")
# Whoever decides must not keep the one who answers waiting: by default it may, for 5 ms at a time.
_TURN_SECONDS = 0.002
# Objects that are made before those that nobody has any more are looked for: nearly all go by themselves.
_MADE = 20_000


@click.command()
@click.option(
    "--bundle", "folder", type=click.Path(file_okay=False, path_type=Path), default=Path("build/mesh"),
    show_default=True, metavar="DIR", help="The built tree that it reads the model from.",
)  # fmt: skip
@click.option(
    "--config", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help=f"Its configuration ({NAME} in the current folder, where there is one).",
)  # fmt: skip
@click.option("--new-credential", metavar="NAME", help="Make a sender's credential, keep its hash, and end.")
@click.option(
    "--sender", type=click.Choice(_SENDERS), default="alertmanager", show_default=True,
    help="What kind of sender a new credential is for.",
)  # fmt: skip
@click.option("--new-person", metavar="NAME", help="Make an account for the console, keep its hash, and end.")
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), default=Role.VIEWER.value, show_default=True,
    help="What a new account may do.",
)  # fmt: skip
def command(
    folder: Path, config: Path | None, new_credential: str | None, sender: str, new_person: str | None, role: str
) -> int:
    """Take alerts in, decide, act on the one instance that misbehaves or say why not, and open issues.

    It observes only, unless the model says more. It ends cleanly on SIGTERM; what is not finished then goes on at the
    next start.
    """
    if config is None and Path(NAME).is_file():
        config = Path(NAME)
    chosen = configuration(config) if config is not None else defaults(Path())
    if new_credential is not None:
        return _new_credential(chosen.credentials, new_credential, sender)
    if new_person is not None:
        return _new_person(chosen.people, new_person, Role(role))
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    serve(bundle(folder), chosen, ending)
    click.echo("ended; what was not finished goes on at the next start", err=True)
    return 0


def serve(read: Bundle, chosen: Configuration, ending: threading.Event) -> None:
    """Run the agent until ``ending`` is set. Raises `MeshscopeError` where it can't start."""
    credentials = Credentials(chosen.credentials)
    people = People(chosen.people) if chosen.people.is_file() else None
    bounds = Bounds(body_bytes=chosen.most_bytes)
    tls = chosen.tls
    files = Tls(certificate=tls.certificate, key=tls.key, client_ca=tls.clients) if tls else None
    with engaged(read, chosen) as ready:
        sys.setswitchinterval(_TURN_SECONDS)
        gc.set_threshold(_MADE, 20, 20)
        # The model and what was open stay: nobody has to look through them again and again.
        gc.freeze()
        page = console(ready.agent, people, insecure_loopback=tls is None) if people else None
        app = application(ready.agent, credentials, page, telemetry=ready.telemetry, bounds=bounds)
        # Bound first, so that nothing is done where another one listens; opened when every part runs.
        server = Running(app, host=chosen.host, port=chosen.port, tls=files, bounds=bounds)
        ready.agent.start_parts()
        with server:
            click.echo(_told(read, chosen, server, console=page is not None), err=True)
            while not ending.wait(0.5):
                if not server.alive:
                    raise MeshscopeError(_ended())


def _told(read: Bundle, chosen: Configuration, server: Running, *, console: bool) -> str:
    known = read.catalog
    acting = sum(1 for service in known.services.values() if service.mode is not None)
    environment = f", {known.environment}" if known.environment else ""
    lines = [
        f"meshscope agent: {known.mesh}{environment}, {len(known.services)} services, mode {known.mode}",
        f"opted in: {acting} services",
        f"alerts  {server.url}/v1/alerts/{{alertmanager,grafana,falco}}",
        f"console {server.url}/" if console else "console none: make an account with --new-person NAME --role admin",
        f"ledger  {chosen.state}",
        f"anchors {chosen.anchors or 'in no second place: who can write the ledger can rewrite its past; name one'}",
        f"issues  {chosen.issues}",
        f"stop    touch {chosen.stop_file or chosen.state / 'stop'}",
    ]
    return "\n".join(lines)


def _new_credential(path: Path, name: str, sender: str) -> int:
    token, entry = new_credential(name, sender)
    _append(path, entry)
    click.echo(token)
    click.echo(f"its hash is in {path}; the token above is shown this once", err=True)
    return 0


def _new_person(path: Path, name: str, role: Role) -> int:
    password = secrets.token_urlsafe(15)
    entry = {"name": name, "role": role.value, "owners": [EVERY_OWNER], "password": hashed(password)}
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in entry.items())
    _append(path, f"[[people]]\n{lines}")
    # Whatever is wrong with the name is said now, and not when the agent starts.
    People(path)
    click.echo(password)
    click.echo(f"its hash is in {path}; the password above is shown this once", err=True)
    return 0


def _append(path: Path, entry: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as stream:
            stream.write(entry.rstrip("\n") + "\n\n")
    except OSError as error:
        raise MeshscopeError(
            Finding(
                code="agent/unwritable",
                title=f"{path} can't be written",
                why=str(error.strerror),
                help="name another file in the agent's configuration",
            )
        ) from error


def _ended() -> Finding:
    return Finding(
        code="agent/ended",
        title="the agent's server ended by itself",
        why="nothing can be taken in any more; what was taken is in the ledger",
        help="start the agent again, and report what its log says",
    )
