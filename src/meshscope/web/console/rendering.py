"""Pages from templates: everything is escaped, what can't be seen is spelt out, and nothing in them is a program."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from meshscope.feedback.reasons import REASONS, reason
from meshscope.feedback.state import Key
from meshscope.feedback.words import rate, share
from meshscope.findings import counted
from meshscope.web.console import times
from meshscope.web.console.visible import LONGEST, outside, prose, visible, web_address

_HERE = Path(__file__).parent
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_BADGE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="8" fill="{fill}"/>'
    '<g fill="none" stroke="{ink}" stroke-width="2.4" stroke-linecap="round">{mark}</g>{text}</svg>'
)
_MESH = (
    '<path d="M10 11 22 11M10 11 16 22M22 11 16 22"/><circle cx="10" cy="11" r="2.6" fill="{ink}"/>'
    '<circle cx="22" cy="11" r="2.6" fill="{ink}"/><circle cx="16" cy="22" r="2.6" fill="{ink}"/>'
)


class Pages:
    """The templates, and the files that pages refer to."""

    def __init__(self) -> None:
        """Read the templates, and what pages refer to."""
        self.files = {
            path.name: (path.read_bytes(), _TYPES[path.suffix])
            for path in sorted((_HERE / "static").iterdir())
            if path.suffix in _TYPES
        }
        self.edition = hashlib.sha256(b"".join(data for data, _ in self.files.values())).hexdigest()[:12]
        self._environment = _environment()
        self._environment.globals["edition"] = self.edition
        for name in self._environment.list_templates(extensions=["html"]):
            self._environment.get_template(name)

    def render(self, template: str, context: Mapping[str, Any]) -> str:
        """The page."""
        return self._environment.get_template(template).render(context)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "prose": prose, "outside": outside, "web": web_address, "share": share, "rate": rate, "lasted": times.lasted,
        "stamp": times.stamp, "moment": times.day_and_clock, "short": short, "day": times.day, "hms": times.hms,
        "path": service_path, "whole": whole,
    }  # fmt: skip
    environment.globals |= {
        "ago": times.ago, "clock": times.clock, "counted": counted, "reason": reason, "reasons": REASONS,
    }  # fmt: skip
    return environment


def _finalized(value: object) -> object:
    if isinstance(value, Markup):
        return value
    if isinstance(value, str):
        return visible(value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…")
    return "" if value is None else value


def whole(text: str) -> Markup:
    """A long text as it is, all of it."""
    return escape(visible(text))


def short(key: Key) -> str:
    """A service without its cluster."""
    return f"{key.namespace}/{key.name}" if key.namespace else key.name


def service_path(key: Key) -> str:
    """The address of a service's page."""
    return "/services/" + "/".join(quote(part, safe="") or "-" for part in (key.cluster, key.namespace, key.name))


def pretty(body: bytes) -> str:
    """A record's JSON, set out for reading; as it is where it is none."""
    text = body.decode("utf-8", "replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def badge(needs: int) -> str:
    """The page's icon: the mesh, or how many incidents need a person."""
    if needs <= 0:
        return _BADGE.format(fill="#1d6b45", ink="#ffffff", mark=_MESH.format(ink="#ffffff"), text="")
    told = str(needs) if needs < 100 else "99"
    size = 22 if len(told) == 1 else 18
    text = (
        f'<text x="16" y="{16 + size * 0.36:.1f}" font-family="system-ui,sans-serif" font-size="{size}" '
        f'font-weight="700" fill="#ffffff" text-anchor="middle">{told}</text>'
    )
    return _BADGE.format(fill="#b3261e", ink="#ffffff", mark="", text=text)
