"""What the agent may do about security alerts, which other programs define: rules of Falco, by their name."""

from __future__ import annotations

from dataclasses import dataclass, field

from meshscope.findings import DefinitionError, Finding, Place, here
from meshscope.model.responses import Response


@dataclass(frozen=True, kw_only=True)
class FalcoRule:
    """A rule of Falco, called as Falco calls it (``Terminal shell in container``), and how the agent responds.

    Raises `DefinitionError` for a rule without a name.

    Example::

        FalcoRule(rule="Terminal shell in container", respond=(quarantine(), open_issue()))
    """

    rule: str
    """The rule's name, as Falco calls it."""
    respond: tuple[Response, ...]
    """What the agent may do about it."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.rule.strip():
            raise DefinitionError(
                Finding(
                    code="model/bad-name",
                    title="a rule of Falco has no name",
                    place=self.place,
                    argument="rule",
                    why="alerts of Falco are told apart by the name of their rule",
                    help='write it as Falco does: rule="Terminal shell in container"',
                )
            )

    @property
    def name(self) -> str:
        """What tells it from others."""
        return self.rule
