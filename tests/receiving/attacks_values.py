"""Bodies in good form whose values are the attack: they are taken, and must stay what they are, which is text."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.receiving.attacking import GRAFANA, TAKEN, Attack, Target, alert, post, webhook

_HOSTILE = {
    "a shell": "$(touch /tmp/meshscope-was-here); `id`; | sh",
    "a shell's end of a text": "'; rm -rf / #",
    "SQL": "'); DROP TABLE records; --",
    "PromQL": '"} or vector(1) or up{a="',
    "a template of Go": '{{ .Env }}{{ printf "%s" . }}',
    "a template of Jinja": "{{ ''.__class__.__mro__[1].__subclasses__() }}{% for x in () %}",
    "a format": "%s%n%x {0.__class__} ${jndi:ldap://127.0.0.1/a}",
    "a mention": "@everyone @acme/payments fixes #1 /close /label ~x",
    "a fence": "```\n~~~\n````\n</details>\n# title",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "an attribute of HTML": '" onmouseover="alert(1)',
    "a link that runs": "[x](javascript:alert(1)) ![](data:text/html,x)",
    "text from right to left": "\u202egnp.exe\u2066\u2069 \u200b\u200d\ufeff",
    "a NUL": "a\x00b",
    "a terminal's commands": "\x1b[2J\x1b]0;x\x07\x9b31m",
    "line ends of a header": "x\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "a line of a log": "x\n2026-11-26 ERROR meshscope: refused",
    "a path": "../../../../etc/passwd",
    "a path of Windows": "..\\..\\windows\\system32",
    "a name of Kubernetes": "kube-system",
    "letters that look alike": "l\u0435dger",
    "letters that are joined": "Z\u0351\u036b\u0343" * 200,
    "letters beyond the first plane": "\U0001f4a9" * 100,
    "a private letter": "\ue000\uffff\ufdd0",
    "a number": "1e999",
    "a secret": "AKIAIOSFODNN7EXAMPLE ghp_0123456789abcdefghijklmnopqrstuvwxyz http://user:pw@example.org",
    "nothing": "",
}
_PLACES = ("service", "namespace")


def _texts() -> list[Attack]:
    found = []
    for name, text in _HOSTILE.items():
        labels = {"alertname": text or "NoSuchAlert", "severity": text, "team": text, "owner": text}
        labels |= {"service": text, "namespace": text, "pod": text, "workload": text}
        said = {"summary": text, "description": text, "runbook_url": text, "dashboard_url": text, "definition": text}
        found.append(post(f"{name} in every value", webhook(alert(labels=labels, annotations=said)), TAKEN, stored=1))
    names = dict.fromkeys(("", "a b", "a\x00b", "__name__", "é", "a" * 10000, "\u202e", '"} or {a="'), "x")
    found.append(
        post(
            "names of labels that are none",
            webhook(alert(labels={"alertname": "NoSuchAlert", **names})),
            TAKEN,
            stored=1,
        )
    )
    return found


_ADDRESSES: dict[str, Callable[[str], str]] = {
    "this machine": lambda canary: f"http://{canary}/",
    "this machine by a name": lambda canary: f"http://localhost:{canary.rpartition(':')[2]}/",
    "this machine by a number": lambda canary: f"http://2130706433:{canary.rpartition(':')[2]}/",
    "this machine in IPv6": lambda canary: f"http://[::ffff:127.0.0.1]:{canary.rpartition(':')[2]}/",
    "this machine behind a user": lambda canary: f"http://example.org@{canary}/",
    "a cloud's metadata": lambda _: "http://169.254.169.254/latest/meta-data/",
    "a file": lambda _: "file:///etc/passwd",
    "another protocol": lambda canary: f"gopher://{canary}/_INFO",
    "a share": lambda canary: f"\\\\{canary}\\x",
}


def _addresses() -> list[Attack]:
    def about(address: Callable[[str], str], name: str) -> Callable[[Target], bytes]:
        def made(target: Target) -> bytes:
            url = address(target.canary)
            keys = (
                "runbook_url",
                "dashboard_url",
                "incident_url",
                "definition",
                "webhook",
                "callback",
                "image",
                "issues",
            )
            return webhook(
                alert(
                    generatorURL=url,
                    annotations=dict.fromkeys(keys, url),
                    n=name,
                    labels={"alertname": "NoSuchAlert", "issues": url, "repository": url, "instance": target.canary},
                ),
                externalURL=url,
                silenceURL=url,
            )

        return made

    def of_grafana(target: Target) -> bytes:
        url = f"http://{target.canary}/"
        one = alert(generatorURL=url, silenceURL=url, dashboardURL=url, panelURL=url, imageURL=url, n="grafana")
        return webhook(one, version="1", state="alerting", orgId=1, externalURL=url)

    return [
        *(
            post(f"the address of {name}", about(address, name), TAKEN, stored=1)
            for name, address in _ADDRESSES.items()
        ),
        post("an image of Grafana at this machine", of_grafana, TAKEN, path=GRAFANA, stored=1),
    ]


def _forged() -> list[Attack]:
    other = {"tenant": "other-tenant", "cluster": "other", "__tenant__": "other-tenant", "alertname": "NoSuchAlert"}
    return [
        post("another tenant in the labels", webhook(alert(labels=other)), TAKEN, stored=1),
        post(
            "another tenant in the body",
            webhook(alert(n="tenant"), tenant="other-tenant", receiver="other-tenant"),
            TAKEN,
            stored=1,
        ),
        post(
            "another tenant in a header",
            webhook(alert(n="scope")),
            TAKEN,
            headers={"X-Scope-OrgID": "other-tenant"},
            stored=1,
        ),
        post("a source that is another", webhook(alert(n="source", source="falco", tenant="x", at=0)), TAKEN, stored=1),
        post(
            "the end of an alert that never was",
            webhook(alert(status="resolved", fingerprint="00000000000000aa")),
            TAKEN,
            stored=1,
        ),
        post(
            "the end of another's alert",
            webhook(alert(status="resolved", fingerprint="461cc20a2d27e805")),
            TAKEN,
            stored=1,
        ),
        post(
            "an end before its start", webhook(alert(status="resolved", endsAt="2001-01-01T00:00:00Z")), TAKEN, stored=1
        ),
        post("a start in the year 9999", webhook(alert(startsAt="9999-12-31T23:59:59Z")), TAKEN, stored=1),
        post("a start in a month that is none", webhook(alert(startsAt="2026-99-99T99:99:99Z")), TAKEN, stored=1),
        post(
            "an alert about the agent",
            webhook(alert(labels={"alertname": "MeshscopeAgentSilent", "service": "agent"})),
            TAKEN,
            stored=1,
        ),
        post(
            "an act that it asks for",
            webhook(
                alert(
                    labels={
                        "alertname": "NoSuchAlert",
                        "action": "kill_instance",
                        "respond": "yes",
                        "approved_by": "admin",
                        "mode": "act",
                    }
                )
            ),
            TAKEN,
            stored=1,
        ),
        post("no label at all", webhook(alert(labels={})), TAKEN, stored=1),
        post(
            "a label of 1 MB",
            webhook(alert(labels={"alertname": "NoSuchAlert", "x": "a" * 1_000_000})),
            TAKEN,
            stored=1,
        ),
        post("an annotation of 1 MB", webhook(alert(annotations={"summary": "\U0001f4a9" * 250_000})), TAKEN, stored=1),
        post("10,000 labels", webhook(alert(labels={f"l{n}": "x" for n in range(10_000)})), TAKEN, stored=1),
        post("one alert 1,000 times", webhook(*[alert(n="same")] * 1000), TAKEN, stored=1000),
        post(
            "one alert that fires and is over",
            webhook(alert(fingerprint="00000000000000bb"), alert(status="resolved", fingerprint="00000000000000bb")),
            TAKEN,
            stored=2,
        ),
        post(
            "one alert with two labels of one meaning",
            webhook(alert(labels={"alertname": "NoSuchAlert", "service": "ledger", "Service": "cart"})),
            TAKEN,
            stored=1,
        ),
        post("many left out", webhook(alert(n="left"), truncatedAlerts=1_000_000), TAKEN, stored=1),
        post(
            "a key that is a body",
            json.dumps({"version": "4", "groupKey": "x", "alerts": [alert(n="key")], webhook().decode(): 1}).encode(),
            TAKEN,
            stored=1,
        ),
    ]


VALUE_ATTACKS: tuple[Attack, ...] = (*_texts(), *_addresses(), *_forged())
