"""How long what was promised here must hold: the row says it."""

from meshscope import days

period = 30 * days
