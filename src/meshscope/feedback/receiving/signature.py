"""Grafana's signature: hex HMAC-SHA256 over ``timestamp:body``, or over the body where no timestamp is sent.

A signed body with a timestamp is good for 300 seconds. The same one a second time is its sender's own retry, or a
replay; nobody can tell. It is answered as the first one was and does nothing, so that both get what they may have.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections import OrderedDict
from collections.abc import Sequence

SECONDS = 300.0
SIGNATURE_HEADER = b"x-grafana-alerting-signature"
_MOST = 65_536


def signed(body: bytes, signature: bytes, timestamp: bytes, secrets: Sequence[bytes]) -> bool:
    """Whether one of ``secrets`` made ``signature``; every one is tried, so that the time tells nothing."""
    text = timestamp + b":" + body if timestamp else body
    good = False
    for secret in secrets:
        wanted = hmac.new(secret, text, hashlib.sha256).hexdigest().encode()
        good |= hmac.compare_digest(wanted, signature.lower())
    return good


def fresh(timestamp: bytes, now: float) -> bool:
    """Whether ``timestamp`` (seconds since 1970, in digits) is within 300 seconds of ``now``, before or after."""
    if not timestamp.isdigit() or len(timestamp) > 15:
        return False
    return math.fabs(now - int(timestamp)) <= SECONDS


class Seen:
    """The signed bodies that were stored within the last 300 seconds, by tenant and digest."""

    def __init__(self) -> None:
        """Nothing was seen: what a process before this one saw is not known, and the ledger folds what it has."""
        self._at: OrderedDict[tuple[str, bytes], float] = OrderedDict()

    def before(self, tenant: str, signature: bytes, now: float) -> bool:
        """Whether it was stored already."""
        while self._at and (next(iter(self._at.values())) < now - 2 * SECONDS or len(self._at) > _MOST):
            self._at.popitem(last=False)
        return (tenant, signature) in self._at

    def stored(self, tenant: str, signature: bytes, now: float) -> None:
        """It is on disk now; not before, for a retry after a failure must be taken."""
        self._at[(tenant, signature)] = now
