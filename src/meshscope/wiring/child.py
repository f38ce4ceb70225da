"""The child process that imports definition files, each under its real name, and answers with one model.

Run as ``python -m meshscope.wiring.child PIPE TRACE ROOT ENVIRONMENT MEMORY SECONDS``; the protocol stands in
`meshscope.wiring.load`.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import pickle
import resource
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from meshscope.findings import Finding
from meshscope.model.model import Model, resolve
from meshscope.wiring.collect import Collector
from meshscope.wiring.guard import Guard
from meshscope.wiring.importing import Importer


def main(arguments: list[str]) -> None:
    """Read the house, write the answer to the pipe."""
    pipe, trace, root, environment = int(arguments[0]), int(arguments[1]), Path(arguments[2]), arguments[3]
    memory, seconds = int(arguments[4]), float(arguments[5])
    # Both write from outside of Python, so that they know the line even of a loop in C and of a crash.
    faulthandler.enable(trace)
    faulthandler.dump_traceback_later(seconds, file=trace)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What is read is kept until the end, and the end is near.
    gc.disable()
    importer = Importer(root)
    guard = Guard(root, importer.read)
    collector = Collector(root, importer, guard, announce=lambda path: os.write(pipe, f"file {path}\n".encode()))
    model, findings = _read(collector, environment or None)
    answer = _pickled(model, findings, importer.inputs())
    sys.stdout.flush()
    with os.fdopen(pipe, "wb", closefd=False) as stream:
        stream.write(f"answer {len(answer)}\n".encode() + answer)
    # Threads and exit handlers that a definition left behind have nothing more to say.
    os._exit(0)


def _read(collector: Collector, environment: str | None) -> tuple[Model | None, list[Finding]]:
    definitions, findings = collector.collect()
    try:
        model, more = resolve(definitions, environment)
        if model is not None:
            model, drawn = collector.drawn(model)
            more += drawn
    except Exception as error:
        # Whatever is wrong with the definitions together; one that nobody foresaw is still no traceback.
        return None, [*findings, getattr(error, "finding", None) or _unforeseen(error)]
    if findings and not definitions.meshes:
        # There is a mesh, in a file that can't be read.
        more = [finding for finding in more if finding.code != "mesh/none"]
    return model, findings + more


def _pickled(model: Model | None, findings: list[Finding], inputs: tuple[tuple[str, str], ...]) -> bytes:
    try:
        return pickle.dumps((model, findings, inputs), protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        culprit = next((one for one in _parts(model) if not _is_plain(one)), None)
        finding = Finding(
            code="load/not-plain",
            title=f"a definition holds what is no plain value: {type(error).__name__}: {error}",
            place=getattr(culprit, "place", None),
            why="definitions are read in a process of their own, and what they are is passed on as data",
            help="hold strings, numbers and definitions only: no functions, no open files, no classes of your own",
        )
        return pickle.dumps((None, [*findings, finding], inputs), protocol=pickle.HIGHEST_PROTOCOL)


def _parts(model: Model | None) -> Iterator[object]:
    for field in fields(model) if model is not None else ():
        value = getattr(model, field.name)
        yield from value if isinstance(value, tuple) else (value,)


def _is_plain(value: object) -> bool:
    try:
        pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception:
        return False
    return True


def _unforeseen(error: Exception) -> Finding:
    return Finding(
        code="load/unforeseen",
        title=f"the definitions do not make a model: {type(error).__name__}: {error}",
        why="something in them is not what meshscope expects, and no check of ours says what",
        help="run mypy on the definitions; where it finds nothing, report this as a fault of meshscope",
    )


if __name__ == "__main__":
    main(sys.argv[1:])
