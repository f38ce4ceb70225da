"""The spec of an OpenTelemetryCollector: ours, for the operator's own definition is in no package registry.

Written after what the operator's documentation and its public Go types name (v1beta1, operator 0.158); no operator has
read what passes it. Fields that only its newest releases have are left out on purpose: an older operator's definition
would remove them without a word. Kubernetes' own types are followed only as deep as a collector of ours needs them.
"""

from __future__ import annotations

from recipes.shape import Schema, choice, listing, mapping, strict, when

_TEXT: Schema = {"type": "string"}
_TEXTS = listing(_TEXT)
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_POSITIVE: Schema = {"type": "integer", "minimum": 1}
_PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
_NUMBER_OR_TEXT: Schema = {"type": ["integer", "string"]}
_OBJECT: Schema = {"type": "object"}
_OBJECTS = listing(_OBJECT)

_QUANTITIES = mapping(_NUMBER_OR_TEXT)
_SELECTOR = strict({"matchExpressions": _OBJECTS, "matchLabels": mapping(_TEXT)})

_ENVIRONMENT = listing(strict({"name": _TEXT, "value": _TEXT, "valueFrom": _OBJECT}, required=("name",)))
_TOLERATION = strict(
    {
        "effect": choice("NoExecute", "NoSchedule", "PreferNoSchedule"),
        "key": _TEXT,
        "operator": choice("Equal", "Exists"),
        "tolerationSeconds": {"type": "integer"},
        "value": _TEXT,
    }
)
_SERVICE_PORT = strict(
    {
        "appProtocol": _TEXT,
        "hostPort": _PORT,
        "name": _TEXT,
        "nodePort": _PORT,
        "port": _PORT,
        "protocol": choice("SCTP", "TCP", "UDP"),
        "targetPort": _NUMBER_OR_TEXT,
    },
    required=("port",),
)
_MOUNT = strict(
    {
        **dict.fromkeys(("mountPath", "mountPropagation", "name", "subPath", "subPathExpr"), _TEXT),
        "readOnly": _FLAG,
    },
    required=("mountPath", "name"),
)
_PROBE = strict(
    {
        **dict.fromkeys(("failureThreshold", "periodSeconds", "successThreshold", "timeoutSeconds"), _POSITIVE),
        "initialDelaySeconds": _COUNT,
        "terminationGracePeriodSeconds": _POSITIVE,
    }
)
_OBSERVABILITY = strict(
    {"metrics": strict({"disablePrometheusAnnotations": _FLAG, "enableMetrics": _FLAG, "extraLabels": mapping(_TEXT)})}
)

# What the collector's pods and those of its target allocator both have.
_POD: dict[str, Schema] = {
    "affinity": _OBJECT,
    "env": _ENVIRONMENT,
    "image": _TEXT,
    "nodeSelector": mapping(_TEXT),
    "observability": _OBSERVABILITY,
    "podDisruptionBudget": strict({"maxUnavailable": _NUMBER_OR_TEXT, "minAvailable": _NUMBER_OR_TEXT}),
    "podSecurityContext": _OBJECT,
    "replicas": _COUNT,
    "resources": strict({"claims": _OBJECTS, "limits": _QUANTITIES, "requests": _QUANTITIES}),
    "securityContext": _OBJECT,
    "serviceAccount": _TEXT,
    "tolerations": listing(_TOLERATION),
    "topologySpreadConstraints": _OBJECTS,
}

_SELECTED = ("podMonitor", "probe", "scrapeConfig", "serviceMonitor")
_PROMETHEUS = strict(
    {
        **{f"{kind}{of}": _SELECTOR for kind in _SELECTED for of in ("NamespaceSelector", "Selector")},
        "allowNamespaces": _TEXTS,
        "denyNamespaces": _TEXTS,
        "enabled": _FLAG,
        "evaluationInterval": _TEXT,
        "scrapeClasses": _OBJECTS,
        "scrapeInterval": _TEXT,
    }
)
_ALLOCATOR = strict(
    {
        **_POD,
        "allocationStrategy": choice("consistent-hashing", "least-weighted", "per-node"),
        "collectorNotReadyGracePeriod": _TEXT,
        "collectorTargetReloadInterval": _TEXT,
        "enabled": _FLAG,
        "filterStrategy": choice("", "none", "relabel-config"),
        "mtls": strict({"enabled": _FLAG}),
        "prometheusCR": _PROMETHEUS,
    }
)
_AUTOSCALER = strict(
    {
        "behavior": _OBJECT,
        "maxReplicas": _POSITIVE,
        "metrics": _OBJECTS,
        "minReplicas": _POSITIVE,
        "targetCPUUtilization": _POSITIVE,
        "targetMemoryUtilization": _POSITIVE,
    }
)


def spec() -> Schema:
    """Return the schema of the spec."""
    properties = {
        **_POD,
        "additionalContainers": _OBJECTS,
        "args": mapping(_TEXT),
        "autoscaler": _AUTOSCALER,
        "config": _configuration(),
        "configVersions": _POSITIVE,
        "configmaps": listing(strict({"mountpath": _TEXT, "name": _TEXT}, required=("mountpath", "name"))),
        "daemonSetUpdateStrategy": _OBJECT,
        "deploymentUpdateStrategy": _OBJECT,
        "envFrom": _OBJECTS,
        "hostNetwork": _FLAG,
        "httpRoute": _OBJECT,
        "imagePullPolicy": choice("Always", "IfNotPresent", "Never"),
        "ingress": _OBJECT,
        "initContainers": _OBJECTS,
        "ipFamilies": listing(choice("IPv4", "IPv6")),
        "ipFamilyPolicy": choice("PreferDualStack", "RequireDualStack", "SingleStack"),
        "lifecycle": _OBJECT,
        "livenessProbe": _PROBE,
        "managementState": choice("managed", "unmanaged"),
        "mode": choice("daemonset", "deployment", "sidecar", "statefulset"),
        "networkPolicy": strict({"enabled": _FLAG}),
        "persistentVolumeClaimRetentionPolicy": _OBJECT,
        "podAnnotations": mapping(_TEXT),
        "podDnsConfig": _OBJECT,
        "ports": listing(_SERVICE_PORT),
        "priorityClassName": _TEXT,
        "readinessProbe": _PROBE,
        "shareProcessNamespace": _FLAG,
        "startupProbe": _PROBE,
        "targetAllocator": _ALLOCATOR,
        "terminationGracePeriodSeconds": _COUNT,
        "upgradeStrategy": choice("automatic", "none"),
        "volumeClaimTemplates": _OBJECTS,
        "volumeMounts": listing(_MOUNT),
        "volumes": listing({"type": "object", "required": ["name"], "properties": {"name": _TEXT}}),
    }
    # The operator's definition says these in CEL: a sidecar lives in a pod of somebody else.
    foreign = dict.fromkeys(("additionalContainers", "affinity", "priorityClassName", "tolerations"), False)
    return {
        **strict(properties, required=("config",)),
        "allOf": [when({"mode": "sidecar"}, {"properties": foreign})],
    }


def _configuration() -> Schema:
    """Return the collector's configuration as far as the operator knows it; components are the collector's to judge.

    A component without settings is `{}`: the operator warns of null, which tools lose on the way into the cluster.
    """
    pipeline = strict(
        {"exporters": listing(_TEXT, at_least=1), "processors": _TEXTS, "receivers": listing(_TEXT, at_least=1)},
        required=("exporters", "receivers"),
    )
    pipelines: Schema = {
        "type": "object",
        "minProperties": 1,
        "patternProperties": {"^(logs|metrics|profiles|traces)(/.+)?$": pipeline},
        "additionalProperties": False,
    }
    kinds = ("connectors", "exporters", "extensions", "processors", "receivers")
    return strict(
        {
            **dict.fromkeys(kinds, mapping(_OBJECT)),
            "service": strict(
                {"extensions": _TEXTS, "pipelines": pipelines, "telemetry": _OBJECT}, required=("pipelines",)
            ),
        },
        required=("exporters", "receivers", "service"),
    )
