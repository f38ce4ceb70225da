"""Requests that arrive without mutual TLS."""

from meshscope import AnyService, Condition, Severity, alert, minutes, open_issue, percent


@alert(severity=Severity.TICKET, window=5 * minutes, at_least=20, pending=10 * minutes, respond=(open_issue(),))
def plaintext_traffic(service: AnyService) -> Condition:
    """More than one request in a hundred arrives without mutual TLS.

    Some caller is outside the mesh, or a policy was loosened.
    """
    return service.plaintext_ratio > 1 * percent
