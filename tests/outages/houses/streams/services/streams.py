"""A service of long watches, and the board that opens them."""

from period import period

from meshscope import SLO, Availability, Latency, Owner, Service, Side, ms, per_second, percent

platform = Owner(name="platform", issues="github:shop/platform", pager="pagerduty:platform", chat="slack:#platform")
media = Owner(name="media", issues="github:shop/media", pager="pagerduty:media", chat="slack:#media")

at_board = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=period, side=Side.SERVER)
availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=period)
latency = SLO(name="latency", of=Latency(under=250 * ms), objective=99 * percent, over=period)

board = Service(
    name="board", namespace="media", owner=platform, runbook="board.md", slos=(at_board,), volume=5 * per_second
)
feeds = Service(
    name="feeds",
    namespace="media",
    owner=media,
    runbook="feeds.md",
    slos=(availability, latency),
    volume=5 * per_second,
    streams=True,
)
