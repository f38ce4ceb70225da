"""The collector on each node of the boutique: close to what it watches, and the first that pods talk to."""

from collectors.gateway import gateway
from meshscope import (
    FileLogs,
    HostMetrics,
    KubeletStats,
    KubernetesAttributes,
    Mesh,
    Otlp,
    Pipeline,
    Tier,
    ToTier,
    pipeline,
    seconds,
)


@pipeline
def node(_: Mesh) -> Pipeline:
    """It takes what pods send, reads their log files, measures the node, and says which pod everything is of."""
    return Pipeline(
        tier=Tier.NODE,
        receive=(Otlp(), FileLogs(), HostMetrics(every=30 * seconds), KubeletStats(every=30 * seconds)),
        enrich=(KubernetesAttributes(),),
        send=(ToTier(to=gateway),),
    )
