"""The page on what each mesh provider tells, in Markdown, from the provider's own value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields

from meshscope.model.provider import Labels, MeshProvider

_HEAD = """\
# Signals of each provider

Where a mesh's requests, failures and latencies stand, and which labels name whom. Definitions name none of this: the
provider of `Mesh(provider=...)` decides it. `meshscope new --from` reads more spellings than are built from
([your own mesh](../own-mesh.md)).
"""
_SIGNALS = {
    "requests": "`service.requests`",
    "failures": "`service.failures`, `service.failure_ratio`",
    "slow_ratio": "`service.slow_ratio(over=...)`",
    "plaintext_ratio": "`service.plaintext_ratio`",
}


def provider_page(providers: Iterable[MeshProvider]) -> str:
    """The whole page, providers in the order of their names."""
    return "\n".join((_HEAD, *(_section(one) for one in sorted(providers, key=lambda provider: provider.name))))


def _section(provider: MeshProvider) -> str:
    return "\n".join(
        [
            f"## {provider.title}\n",
            f"`Mesh(provider={provider.name!r})`\n".replace("'", '"'),
            "| what | where |",
            "|---|---|",
            *(f"| {what} | {where} |" for what, where in _facts(provider)),
            "",
            *_bad(provider),
            "| of ours | its label |",
            "|---|---|",
            *(f"| {field.name} | `{label}` |" for field in fields(Labels) if (label := _label(provider, field.name))),
            "",
            "How requests are told apart, by example:\n",
            "| a request that is | has |",
            "|---|---|",
            *(f"| {name} | {_labels(labels.items())} |" for name, labels in provider.samples.items()),
            "",
        ]
    )


def _facts(provider: MeshProvider) -> Iterator[tuple[str, str]]:
    yield "requests", f"the counter `{provider.requests}`"
    yield "latency", f"the histogram `{provider.latency}`, in units of {provider.latency_unit}"
    free = "; a latency SLO may have any other: our collectors set it" if provider.free_bounds else ""
    yield "its bounds", ", ".join(map(provider.le, provider.bounds)) + free
    missing = [text for name, text in _SIGNALS.items() if name not in provider.signals()]
    yield "signals of alerts", "; ".join(text for name, text in _SIGNALS.items() if name in provider.signals())
    if missing:
        yield "not seen", "; ".join(missing)
    sides = (f"`{reporter}` ({side} side, {plane})" for (side, plane), reporter in provider.reporters.items())
    yield "who reports", ", ".join(sides)
    if provider.idle is not None:
        yield "silent series", f"disappear after {provider.idle}"


def _bad(provider: MeshProvider) -> Iterator[str]:
    """Outside of the table: a pipe of a regular expression would end a cell."""
    yield "A request failed that has one of\n"
    yield "\n".join(f"- `{{{one}}}`" for one in provider.failed)
    if provider.torn:
        yield f"\nand, but where clients watch (`streams=True`), one whose answer broke off: `{{{provider.torn}}}`."
    if provider.upgraded:
        yield f"\nUpgraded, which is well however it ends and has no latency, is `{{{provider.upgraded}}}`."
    given_up = f"is `{{{provider.given_up}}}`" if provider.given_up else "can't be told from other requests"
    yield f"\nOne whose caller gave up {given_up}.\n"


def _label(provider: MeshProvider, name: str) -> str:
    return str(getattr(provider.labels, name))


def _labels(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"`{name}={value or '(none)'}`" for name, value in pairs)
