"""The reference of the words of definition files, in Markdown: a page for each part of the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from meshscope.wiring.words import Argument, Word

_SECTIONS = {
    "mesh": ("The mesh", "Services, owners, SLOs, calls, gateways, environments, and the mesh itself."),
    "alerts": ("Alerts", "Conditions over every service or instance, how loud they are, and what the agent may do."),
    "dashboards": ("Dashboards", "Functions that draw a dashboard, the panels and the queries that stand in it."),
    "collectors": ("Collectors", "Tiers of OpenTelemetry collectors: what they receive, do with it and pass on."),
    "units": ("Units", "Quantities are exact and carry their unit: `250 * ms`, `30 * days`, `99.9 * percent`."),
}
_UNITS = {
    "time": "time ([`seconds`](units.md), `minutes`, ...)",
    "share": "share ([`percent`](units.md))",
    "rate": "rate ([`per_second`](units.md), `per_minute`)",
}


def pages(words: Sequence[Word]) -> Mapping[str, str]:
    """Every page by its file name; ``README.md`` lists them."""
    found = {"README.md": _index(words)}
    for section, (title, about) in _SECTIONS.items():
        texts = [markdown(word) for word in words if word.section == section]
        found[f"{section}.md"] = f"# {title}\n\n{about}\n\n" + "\n".join(texts)
    return found


def markdown(word: Word) -> str:
    """What there is to know of ``word``: what it is, an example, and what it takes."""
    parts = [f"## {word.name}\n", f"{_first_upper(word.about)}\n"]
    if word.example:
        parts.append(f"```python\n{word.example}\n```\n")
    if word.arguments:
        parts.append(_arguments(word.arguments))
    if word.choices:
        parts.append(_choices(word))
    if word.members:
        parts += [_member(member) for member in word.members]
    return "\n".join(parts)


def _index(words: Sequence[Word]) -> str:
    head = (
        "# Every word of a definition\n\n"
        "What `from meshscope import ...` offers, made from the code. `meshscope explain WORD` prints the same.\n\n"
    )
    lines: list[str] = []
    for section, (title, about) in _SECTIONS.items():
        names = ", ".join(f"[`{word.name}`]({section}.md#{word.name.lower()})" for word in words
                          if word.section == section)  # fmt: skip
        lines.append(f"- **[{title}]({section}.md)**: {about}\n  {names}\n")
    return head + "".join(lines)


def _arguments(arguments: Iterable[Argument]) -> str:
    told = any(argument.meaning for argument in arguments)
    head = "| argument | shape | unit | default |" + (" what it is |" if told else "")
    rule = "|---|---|---|---|" + ("---|" if told else "")
    rows = (
        f"| `{one.name}` | {_code(one.shape.replace(' | ', ' or '))} | {_UNITS.get(one.unit, '')} | "
        f"{_code(one.default) if one.default else '**required**'} |" + (f" {_cell(one.meaning)} |" if told else "")
        for one in arguments
    )
    return "\n".join([head, rule, *rows]) + "\n"


def _choices(word: Word) -> str:
    head = "| signal | what it is |" if word.kind == "value" else "| value | what it means |"
    rows = (f"| `{name}` | {_cell(meaning)} |" for name, meaning in word.choices)
    return "\n".join([head, "|---|---|", *rows]) + "\n"


def _member(word: Word) -> str:
    takes = ", ".join(
        f"{one.name}: {one.shape}" + (f" = {one.default}" if one.default else "") for one in word.arguments
    )
    choices = f"\n\n{_choices(word)}" if word.choices else "\n"
    return f"### {word.name}\n\n`{word.name}({takes})`\n\n{_first_upper(word.about)}{choices}"


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("``", "`")


def _first_upper(text: str) -> str:
    return (text[:1].upper() + text[1:]).replace("``", "`")
