"""A service that is slow and fails at once is usually starved by something that it needs."""

from meshscope import AnyService, Condition, Severity, Where, alert, minutes, ms, open_issue, percent


@alert(
    severity=Severity.TICKET,
    window=5 * minutes,
    at_least=100,
    pending=5 * minutes,
    where=Where(tier=1),
    respond=(open_issue(),),
)
def slow_and_failing(service: AnyService) -> Condition:
    """One request in ten is slow while one in a hundred fails."""
    return (service.slow_ratio(over=1000 * ms) > 10 * percent) & (service.failure_ratio > 1 * percent)
