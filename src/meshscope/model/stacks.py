"""Monitoring stacks that are there already and watch their own Prometheus and Alertmanager."""

from __future__ import annotations

from collections.abc import Mapping

# What each stack tells of its own programs, by what of ours would tell the same. Of kube-prometheus
# (manifests/prometheus-prometheusRule.yaml of 0.14 and manifests/alertmanager-prometheusRule.yaml): rules over the
# jobs of its own Prometheus and Alertmanager.
STACKS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "kube-prometheus": {
        "a configuration that is refused": ("PrometheusBadConfig", "AlertmanagerFailedReload"),
        "notifications that are dropped": (
            "PrometheusNotificationQueueRunningFull",
            "PrometheusErrorSendingAlertsToSomeAlertmanagers",
        ),
        "no Alertmanager": ("PrometheusNotConnectedToAlertmanagers",),
        "messages that can't be delivered": ("AlertmanagerFailedToSendAlerts", "AlertmanagerClusterFailedToSendAlerts"),
    },
}
