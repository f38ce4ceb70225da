"""What the schemas of collector components are made of: kinds of values, and the comparison with the Go source."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from recipes.shape import Schema, listing
from recipes.sources import Failure, Sources

# A value may come from the environment instead: ${env:NAME}, filled in when the collector starts.
FROM_ENVIRONMENT = r"\$\{.+\}"

TEXT: Schema = {"type": "string"}
TEXTS = listing(TEXT)
FLAG: Schema = {"type": ["boolean", "string"], "pattern": f"^{FROM_ENVIRONMENT}$"}
INTEGER: Schema = {"type": ["integer", "string"], "pattern": f"^{FROM_ENVIRONMENT}$"}
COUNT: Schema = {**INTEGER, "minimum": 0}
POSITIVE: Schema = {**INTEGER, "minimum": 1}
NUMBER: Schema = {"type": ["number", "string"], "pattern": f"^{FROM_ENVIRONMENT}$"}
DURATION: Schema = {
    "type": "string",
    "pattern": rf"^(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+|{FROM_ENVIRONMENT})$",
}
BYTES: Schema = {
    "type": ["integer", "string"],
    "minimum": 1,
    "pattern": rf"^([0-9]+\.?[0-9]*\s*([kKmMgGtTpP]i?[bB])?|{FROM_ENVIRONMENT})$",
}


@dataclass(frozen=True)
class Struct:
    """A Go struct whose tags name the keys of an object: its module, its file and its name."""

    module: str
    file: str
    name: str = "Config"

    def keys(self, sources: Sources) -> set[str]:
        """Return the keys that the struct's own fields have, without those of the structs it takes in."""
        file = sources.module(self.module) / self.file
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        body = re.search(rf"^type {self.name} struct {{\n(.*?)^}}", text, re.MULTILINE | re.DOTALL)
        if body is None:
            raise Failure(f"{self.file} of {self.module} has no struct {self.name}", "", LOOK)
        # One step further in, a struct without a name has keys of its own.
        tags = re.findall(r'^\t[^\t].*`mapstructure:"([^",]+)[",]', body[1], re.MULTILINE)
        return set(tags) - {"-"}


LOOK = "look at what changed there, and at engines/schemas/recipes/collector.py"


class Check:
    """Compares the keys of an object with those that the source reads."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def __call__(self, name: str, schema: Schema, *structs: Struct, ours: Iterable[str] = ()) -> Schema:
        """Return the schema unchanged; raise Failure when its keys are not the structs'.

        `ours` are keys that the source has and we refuse, or that it reads elsewhere.
        """
        read = set[str]().union(*(struct.keys(self._sources) for struct in structs))
        said = set(schema["properties"])
        if (said ^ read) - set(ours):
            raise Failure(
                f"the keys of {name} are not those of its source",
                f"the source alone has {sorted(read - said)}, the schema alone has {sorted(said - read)}",
                LOOK,
            )
        return schema
