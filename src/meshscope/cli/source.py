"""Where a pipeline gets this program from: from where it was installed here, so that it can run today."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from shlex import quote
from urllib.parse import unquote, urlsplit

_SECRET = re.compile(r"//[^/@:]*:[^/@]*@")


@dataclass(frozen=True)
class Source:
    """What pip is to install, what is to be done ``first`` (empty or a sentence's beginning), what else to commit."""

    requirement: str
    first: str = ""
    beside: str = ""


def source_of(direct_url: str | None, version: str) -> Source:
    """The source of a package of which pip kept ``direct_url`` (PEP 610; None where an index gave it)."""
    if not direct_url:
        return Source(f"meshscope=={version}")
    said = json.loads(direct_url)
    url = _SECRET.sub("//", str(said["url"]))
    if "vcs_info" in said:
        return Source(f"meshscope @ {said['vcs_info']['vcs']}+{url}@{said['vcs_info']['commit_id']}")
    if not url.startswith("file:"):
        return Source(f"meshscope @ {url}")
    # Nobody else has this folder: the wheel goes with the definitions.
    wheel = f"wheels/meshscope-{version}-py3-none-any.whl"
    folder = unquote(urlsplit(url).path)
    return Source(wheel, f"python -m pip wheel --no-deps --wheel-dir wheels {quote(folder)}, ", f" with {wheel}")
