from meshscope import AnyService, Condition, Severity, alert, minutes, percent


@alert(severity=Severity.PAGE, pending=1 * minutes)
def bad(service: AnyService) -> Condition:
    """Something is wrong."""
    if service.requests > 1:
        return service.failure_ratio > 1 * percent
    return service.failure_ratio > 2 * percent
