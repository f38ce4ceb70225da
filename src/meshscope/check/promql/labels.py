"""Which labels the series of an expression can have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

NAME = "__name__"


@dataclass(frozen=True)
class Labels:
    """Either just some of ``only``, or whatever the series have (None) but for those in ``lost``.

    ``sure`` are labels that each series has.
    """

    only: frozenset[str] | None = None
    lost: frozenset[str] = frozenset()
    sure: frozenset[str] = frozenset()

    def may_have(self, label: str) -> bool:
        """Whether a series can have ``label``."""
        return label not in self.lost if self.only is None else label in self.only

    def by(self, labels: Iterable[str]) -> Labels:
        """What is left of an aggregation ``by`` labels, or of a join ``on`` them."""
        kept = frozenset(label for label in labels if self.may_have(label))
        return Labels(only=kept, sure=self.sure & kept)

    def without(self, labels: Iterable[str]) -> Labels:
        """What is left where ``labels`` are taken away."""
        gone = frozenset(labels)
        if self.only is None:
            return Labels(lost=self.lost | gone, sure=self.sure - gone)
        return Labels(only=self.only - gone, sure=self.sure - gone)

    def plus(self, labels: Iterable[str]) -> Labels:
        """With more labels that a series can have."""
        more = frozenset(labels)
        if self.only is None:
            return Labels(lost=self.lost - more, sure=self.sure)
        return Labels(only=self.only | more, sure=self.sure)

    def union(self, other: Labels) -> Labels:
        """Those of series that have either these or those."""
        sure = self.sure & other.sure
        if self.only is not None and other.only is not None:
            return Labels(only=self.only | other.only, sure=sure)
        lost = frozenset(one for one in self.lost | other.lost if not self.may_have(one) and not other.may_have(one))
        return Labels(lost=lost, sure=sure)


NONE = Labels(only=frozenset())
