from meshscope import AnyService, Condition, Severity, alert, minutes, percent


@alert(severity=Severity.TICKET, pending=2 * minutes)
def failing(service: AnyService) -> Condition:
    """It fails."""
    return service.failure_rate > 5 * percent
