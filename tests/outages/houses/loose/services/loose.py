"""Objectives of 95% and 90%: budgets so large that no burn rate of 14.4 exists."""

from period import period

from meshscope import SLO, Availability, Owner, Service, Side, per_second, percent

platform = Owner(name="platform", issues="github:shop/platform", pager="pagerduty:platform", chat="slack:#platform")
media = Owner(name="media", issues="github:shop/media", pager="pagerduty:media", chat="slack:#media")

at_home = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=period, side=Side.SERVER)
mostly = SLO(name="availability", of=Availability(), objective=95 * percent, over=period)
often = SLO(name="availability", of=Availability(), objective=90 * percent, over=period)

home = Service(
    name="home", namespace="media", owner=platform, runbook="home.md", slos=(at_home,), volume=5 * per_second
)
feed = Service(name="feed", namespace="media", owner=media, runbook="feed.md", slos=(mostly,), volume=5 * per_second)
adverts = Service(
    name="adverts", namespace="media", owner=media, runbook="adverts.md", slos=(often,), volume=5 * per_second
)
