"""The collectors through which all telemetry of the boutique passes on its way out."""

from meshscope import (
    BearerToken,
    Env,
    Mesh,
    Otlp,
    OwnerAttributes,
    Pipeline,
    Redact,
    SecretFile,
    SpanMetrics,
    TailSampling,
    Tier,
    ToLogStore,
    ToPrometheus,
    ToTraceStore,
    ms,
    percent,
    pipeline,
    seconds,
)


@pipeline
def gateway(_: Mesh) -> Pipeline:
    """Everything passes here before it is stored: owners are named, secrets masked, spans counted, traces chosen."""
    return Pipeline(
        tier=Tier.GATEWAY,
        replicas=2,
        receive=(Otlp(),),
        enrich=(OwnerAttributes(),),
        redact=Redact(keys=("(?i)card[._-]?holder",)),
        count=SpanMetrics(),
        sample=TailSampling(slower_than=1000 * ms, rest=5 * percent, decision_wait=10 * seconds),
        send=(
            ToPrometheus(endpoint=Env("PROMETHEUS_ENDPOINT"), auth=BearerToken(SecretFile("prometheus-token"))),
            ToTraceStore(endpoint=Env("TRACES_ENDPOINT"), auth=BearerToken(SecretFile("traces-token"))),
            ToLogStore(endpoint=Env("LOGS_ENDPOINT"), auth=BearerToken(SecretFile("logs-token"))),
        ),
    )
