"""What is allowed for a while in files that can't say so themselves."""

from __future__ import annotations

from dataclasses import dataclass, field

from meshscope.findings import Place, here


@dataclass(frozen=True, kw_only=True)
class Allow:
    """A finding that is allowed for a while, where no comment can stand: in JSON, and in what programs write.

    ``code`` is the finding's (``dashboard/unknown-data-source``), ``file`` the file in which it is found, as findings
    name it, or a pattern for several (``dashboards/legacy/*.json``), ``until`` the last day on which it is allowed
    (YYYY-MM-DD), ``reason`` why it can wait. After that day the finding is back. Written in ``mesh.py``.

    Example::

        Allow(code="dashboard/bad-query", file="dashboards/old/*.json", until="2027-01-31", reason="moved in May")
    """

    code: str
    """The finding's code: `dashboard/unknown-data-source`."""
    file: str
    """The file in which it is found, or a pattern for several: `dashboards/legacy/*.json`."""
    until: str
    """The last day on which it is allowed: `2027-01-31`."""
    reason: str
    """Why it can wait."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)
