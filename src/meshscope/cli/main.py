"""The command line's root: it knows its verbs by name and loads only the one that is asked for."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper

import click

from meshscope.cli import exits
from meshscope.cli.show import say, shown
from meshscope.findings import DefinitionError, Finding, MeshscopeError

TRACE = "MESHSCOPE_TRACE"
# Objects that are made before Python looks for those that nobody has any more.
_MADE = 100_000

# verb: what `meshscope --help` says of it, so that help loads no verb. The one place where a verb's module is named.
VERBS = {
    "new": "Write a first mesh, a definition, or a pipeline for CI.",
    "build": "Write the artefacts of the mesh.",
    "adopt": "Merge our routes into an Alertmanager's own configuration, as a difference.",
    "check": "Judge the definitions and their artefacts.",
    "test": "Run the generated unit tests of the rules.",
    "ci": "Build, check and test, and say on one screen what happened.",
    "explain": "Explain a finding's code, an alert or a service.",
    "agent": "Take alerts in, act on the instance that misbehaves or say why not, open issues.",
    "verify": "Verify that nobody changed what the agent wrote.",
    "ledger": "Back up, restore or rebuild the agent's ledger.",
    "demo": "Show the whole story on this machine.",
}


class Lazy(click.Group):
    """A group whose verbs are modules of their own, imported when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The verbs in the order in which a newcomer meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The verb called ``cmd_name``; None where there is none."""
        if cmd_name not in VERBS:
            return None
        # The agent is a face of its own: a server with its pages, which knows nothing of the others.
        module = "meshscope.web.command" if cmd_name == "agent" else f"meshscope.cli.{cmd_name}"
        command: click.Command = import_module(module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that is asked for. Raises a usage error that names the nearest one."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = get_close_matches(args[0], VERBS, n=1)
            ctx.fail(f"there is no command `{args[0]}`" + (f"; did you mean `{near[0]}`?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The verbs, one a line."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(message="%(prog)s %(version)s", package_name="meshscope")
def meshscope() -> None:
    """Observability as code for service meshes.

    Typed definitions in, everything that observes the mesh out: collector configuration, Prometheus rules,
    Alertmanager routes and Grafana dashboards, proved against the real programs.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    # Most of what a command makes, it keeps until it ends: to look through it again and again is a fifth of a build.
    gc.set_threshold(_MADE, 50, 50)
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; whatever goes wrong is said in words, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show a letter gets its number, and not an error about the error.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = meshscope.main(arguments, prog_name="meshscope", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else exits.CLEAN
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except click.ClickException as error:
        error.show()
        return exits.USAGE
    except (MeshscopeError, DefinitionError) as error:
        say(shown([error.finding], None, sys.stderr))
        return exits.FAILED
    except (KeyboardInterrupt, click.Abort):
        say("interrupted; what was there before is as it was\n")
        return exits.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough; what Python would flush at exit has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.FAILED
    except Exception as error:
        if os.environ.get(TRACE):
            raise
        say(shown([_fault(error)], None, sys.stderr))
        return exits.FAILED


def _fault(error: Exception) -> Finding:
    return Finding(
        code="meshscope/fault",
        title=f"meshscope fails: {type(error).__name__}: {error}",
        why="this is a fault of meshscope and not of your definitions; nothing that was there before is changed",
        help=f"report it, with what the same command prints under {TRACE}=1",
    )


def own_version() -> str:
    """The version of this program."""
    return version("meshscope")
