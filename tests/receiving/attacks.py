"""What somebody could send who wants the agent to fall, to believe, or to call: more than 250 requests, as data.

`ATTACKS` is all of them. Each says what may be answered and how many alerts may be stored by it at the most; an alert
that is stored must stay inert, for nothing that it says is known to the model.
"""

from __future__ import annotations

from tests.receiving.attacking import Attack, Target
from tests.receiving.attacks_bodies import BODY_ATTACKS
from tests.receiving.attacks_callers import CALLER_ATTACKS
from tests.receiving.attacks_http import HTTP_ATTACKS
from tests.receiving.attacks_values import VALUE_ATTACKS

ATTACKS: tuple[Attack, ...] = (*HTTP_ATTACKS, *CALLER_ATTACKS, *BODY_ATTACKS, *VALUE_ATTACKS)

__all__ = ["ATTACKS", "Attack", "Target"]
