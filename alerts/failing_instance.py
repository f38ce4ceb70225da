"""An instance that fails most of its requests; whether a kill would help depends on its siblings, as the agent sees."""

from meshscope import AnyInstance, Condition, Severity, alert, kill_instance, minutes, open_issue, percent


@alert(
    severity=Severity.TICKET,
    window=5 * minutes,
    at_least=20,
    pending=2 * minutes,
    respond=(open_issue(), kill_instance(at_most=1)),
)
def failing_instance(instance: AnyInstance) -> Condition:
    """An instance fails more than half of its requests.

    Where its siblings do as well, the cause is a revision or something that all of them need.
    """
    return instance.failure_ratio > 50 * percent
