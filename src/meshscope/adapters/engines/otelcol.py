"""otelcol: whether a collector would load and wire a tier's configuration.

No one build has every component, so each configuration goes to every build that is there, without the parts that this
build doesn't know; what no build knows is named as passed over. A build says itself what it doesn't know, since its
list of components leaves out some that work.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from meshscope.adapters.engines.program import run
from meshscope.check.engine import Case, Complaint, Heard, Verdict, unheard

_UNKNOWN = re.compile(r"'(?P<kind>\w+)' unknown type: \"[^\"]*\" for id: \"(?P<id>[^\"]*)\"")
_VARIABLE = re.compile(r"\$\{env:(\w+)\}")
_LISTED = re.compile(r" \(valid values: \[[^\]]*\]\)")
_KINDS = ("receivers", "processors", "exporters", "connectors", "extensions")


@dataclass
class _Trial:
    """One configuration in one build: what had to be left out, and what is wrong with the rest."""

    missing: set[str] = field(default_factory=set)
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Otelcol:
    """``otelcol validate`` in each of ``programs``, different builds of the collector."""

    programs: tuple[Path, ...]
    version: str
    name: str = "otelcol validate"

    def judges(self, path: str) -> bool:
        """A tier's configuration."""
        return path.startswith("collectors/") and path.endswith((".yaml", ".yml"))

    def judge(self, folder: Path, paths: Sequence[str], heard: Heard = unheard) -> Verdict:
        """Judge each configuration in each build."""
        verdicts: list[Verdict] = []
        for path in paths:
            verdicts.append(self._one(path, (folder / path).read_text(encoding="utf-8")))
            heard(len(verdicts))
        return Verdict(
            cases=tuple(case for verdict in verdicts for case in verdict.cases),
            complaints=tuple(complaint for verdict in verdicts for complaint in verdict.complaints),
            passed_over=tuple(name for verdict in verdicts for name in verdict.passed_over),
        )

    def _one(self, path: str, text: str) -> Verdict:
        try:
            document = yaml.safe_load(text)
        except yaml.YAMLError as error:
            return _verdict(path, [" ".join(str(error).split())], set())
        if not isinstance(document, dict):
            return _verdict(path, ["it is no mapping, and a collector's configuration is one"], set())
        trials = [_tried(program, document) for program in self.programs]
        said = list(dict.fromkeys(trial.message for trial in trials if trial.message))
        return _verdict(path, said, set.intersection(*(trial.missing for trial in trials)))


def _verdict(path: str, said: Sequence[str], unknown: set[str]) -> Verdict:
    return Verdict(
        cases=(Case(path=path, failed="\n".join(said)),),
        complaints=tuple(Complaint(path=path, message=message) for message in said),
        passed_over=(f"{', '.join(sorted(unknown))} in {path}",) if unknown else (),
    )


def _tried(program: Path, document: Mapping[str, object]) -> _Trial:
    trial = _Trial()
    text = yaml.safe_dump(document, sort_keys=False)
    # Any value does where the configuration leaves one to the pod; an address is a valid host and a valid name.
    variables = dict.fromkeys(_VARIABLE.findall(text), "127.0.0.1")
    with tempfile.TemporaryDirectory(prefix="meshscope-") as scratch:
        config = Path(scratch) / "config.yaml"
        while True:
            config.write_text(yaml.safe_dump(without(document, trial.missing), sort_keys=False), encoding="utf-8")
            said = run(program, ["validate", f"--config={config}"], extra=variables)
            unknown = {f"{match['kind']}/{match['id']}" for match in _UNKNOWN.finditer(said.err)} - trial.missing
            if not unknown:
                break
            trial.missing |= unknown
    if said.status:
        lines = (line.strip() for line in _LISTED.sub("", said.err).removeprefix("Error: ").splitlines())
        trial.message = " ".join(line for line in lines if line)
    return trial


def without(document: Mapping[str, object], missing: set[str]) -> dict[str, object]:
    """``document`` without the components ``missing`` (``kind/id``), and without the pipelines that they leave open."""
    gone = {kind: {name.partition("/")[2] for name in missing if name.startswith(f"{kind}/")} for kind in _KINDS}
    left: dict[str, object] = {
        kind: {name: value for name, value in part.items() if name not in gone.get(kind, set())}
        if kind in _KINDS and isinstance(part, Mapping)
        else part
        for kind, part in document.items()
    }
    service = document.get("service")
    if not missing or not isinstance(service, Mapping):
        return left
    pipelines = {
        name: {
            part: [one for one in used if one not in gone[part] | gone["connectors"]] for part, used in pipeline.items()
        }
        for name, pipeline in service.get("pipelines", {}).items()
    }
    whole = {name: one for name, one in pipelines.items() if one.get("receivers") and one.get("exporters")}
    left["service"] = {
        **service,
        "extensions": [one for one in service.get("extensions", []) if one not in gone["extensions"]],
        "pipelines": whole,
    }
    return left
