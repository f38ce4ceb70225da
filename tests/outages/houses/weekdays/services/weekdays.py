"""One service that people use at work, and three that are used all the time."""

from period import period

from meshscope import SLO, Availability, Owner, Service, Side, percent

platform = Owner(name="platform", issues="github:shop/platform", pager="pagerduty:platform", chat="slack:#platform")
office = Owner(name="office", issues="github:shop/office", pager="pagerduty:office", chat="slack:#office")

availability = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=period)
at_portal = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=period, side=Side.SERVER)

portal = Service(name="portal", namespace="office", owner=platform, runbook="portal.md", slos=(at_portal,))
desk = Service(name="desk", namespace="office", owner=office, runbook="desk.md", tier=1, slos=(availability,))
files = Service(name="files", namespace="office", owner=office, runbook="files.md", slos=(availability,))
forms = Service(name="forms", namespace="office", owner=office, runbook="forms.md", slos=(availability,))
