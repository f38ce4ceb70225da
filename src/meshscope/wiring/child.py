"""The child process that imports definition files, each under its real name, and answers with one model.

Run as ``python -m meshscope.wiring.child FD ROOT ENVIRONMENT MEMORY``; see `meshscope.wiring.load` for the protocol.
"""

from __future__ import annotations

import os
import pickle
import resource
import sys
from pathlib import Path

from meshscope.findings import Finding
from meshscope.model.model import Definitions, Model, resolve
from meshscope.wiring.collect import Collector
from meshscope.wiring.guard import Guard
from meshscope.wiring.importing import Importer


def main(arguments: list[str]) -> None:
    """Read the house, write the answer to the pipe."""
    pipe, root, environment, memory = int(arguments[0]), Path(arguments[1]), arguments[2], int(arguments[3])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    importer = Importer(root)
    guard = Guard(root, importer.read)
    collector = Collector(root, importer, guard, announce=lambda path: os.write(pipe, f"file {path}\n".encode()))
    definitions, findings = collector.collect()
    model, more = _resolved(definitions, environment or None)
    if model is not None:
        model, drawn = collector.drawn(model)
        more += drawn
    answer = pickle.dumps((model, findings + more, importer.inputs()), protocol=pickle.HIGHEST_PROTOCOL)
    with os.fdopen(pipe, "wb", closefd=False) as stream:
        stream.write(f"answer {len(answer)}\n".encode() + answer)
    # Threads and exit handlers that a definition left behind have nothing more to say.
    os._exit(0)


def _resolved(definitions: Definitions, environment: str | None) -> tuple[Model | None, list[Finding]]:
    from_error: list[Finding] = []
    try:
        return resolve(definitions, environment)
    except Exception as error:
        finding = getattr(error, "finding", None)
        if finding is None:
            raise
        from_error.append(finding)
    return None, from_error


if __name__ == "__main__":
    main(sys.argv[1:])
