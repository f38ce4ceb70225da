from meshscope import AnyService, Condition, Severity, alert, kill_instance, minutes, percent


@alert(severity=Severity.PAGE, pending=1 * minutes, respond=(kill_instance(at_most=1),))
def bad(service: AnyService) -> Condition:
    """Something is wrong."""
    return service.failure_ratio > 1 * percent
