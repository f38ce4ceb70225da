"""What our own rules look at, and what such a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from meshscope.artefacts.artefacts import Artefacts
from meshscope.artefacts.files import File
from meshscope.findings import Finding
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model, what was built from it, and every mesh provider that is known, by name."""

    model: Model
    provider: MeshProvider
    artefacts: Artefacts
    files: tuple[File, ...] = ()
    providers: Mapping[str, MeshProvider]


Judge: TypeAlias = Callable[[Subject], Iterator[Finding]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of our own: its ``code`` (family/name), its ``page`` (Markdown), and how it judges."""

    code: str
    page: str
    judge: Judge
