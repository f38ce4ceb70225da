"""An instance that fails while its siblings don't: the one case in which a kill helps."""

from meshscope import AnyInstance, Condition, Severity, alert, kill_instance, minutes, open_issue, percent


@alert(
    severity=Severity.PAGE,
    window=5 * minutes,
    at_least=50,
    pending=2 * minutes,
    respond=(open_issue(), kill_instance(at_most=1)),
    page_after=3 * minutes,
)
def lone_failing_instance(instance: AnyInstance) -> Condition:
    """One instance fails far more often than its siblings.

    Its siblings of the same workload and version answer the same requests well, so the cause is in this instance.
    """
    return instance.failures / instance.requests > 5 * instance.siblings.failure_ratio + 5 * percent
