"""What a notification says, in Alertmanager's templates: a title, then for each alert what, why and where to look.

``alertmanager.yaml`` names no message: `template` redefines Alertmanager's own defaults, so that a person is told even
where its file is forgotten. Where no file can be brought along, `inline` gives the same texts as settings.
"""

from __future__ import annotations

from collections.abc import Mapping

# A page's group is a service and one of its promises, whatever alerts are about it.
_TITLE = (
    '[{{ if eq .Status "firing" }}{{ .CommonLabels.severity }}{{ else }}resolved{{ end }}]'
    "{{ with or .CommonLabels.alertname .CommonLabels.slo }} {{ . }}{{ end }}"
    "{{ with .CommonLabels.service }} {{ with $.CommonLabels.namespace }}{{ . }}/{{ end }}{{ . }}{{ end }}"
    "{{ with .CommonLabels.environment }} in {{ with $.CommonLabels.cluster }}{{ . }}, {{ end }}{{ . }}{{ end }}"
    "{{ if gt (len .Alerts.Firing) 1 }} ({{ len .Alerts.Firing }} alerts){{ end }}"
)
_TITLE_LINK = "{{ or .CommonAnnotations.incident_url .ExternalURL }}"
_COLOR = '{{ if ne .Status "firing" }}good{{ else if eq .CommonLabels.severity "%s" }}danger{{ else }}warning{{ end }}'

# In the order in which somebody who was woken needs them.
_LINKS = (("runbook_url", "Runbook"), ("dashboard_url", "Dashboard"), ("incident_url", "Incident"))

# A storm has hundreds of alerts in one group; ten tell what it is.
_ALERTS = """\
{{ range $number, $alert := .Alerts.Firing }}{{ if lt $number 10 }}%(firing)s
{{ end }}{{ end }}\
{{ if gt (len .Alerts.Firing) 10 }}10 of {{ len .Alerts.Firing }} alerts are shown.
{{ end }}\
{{ range $number, $alert := .Alerts.Resolved }}{{ if lt $number 10 }}%(resolved)s
{{ end }}{{ end }}"""
_WHAT = "{{ or .Annotations.summary .Labels.alertname }}"


def _links(form: str) -> str:
    return "".join(
        "{{ with .Annotations.%s }}%s{{ end }}" % (name, form % ("{{ . }}", title))  # noqa: UP031 - braces are Go's
        for name, title in _LINKS
    )


_SLACK_TEXT = _ALERTS % {
    "firing": f"*{_WHAT}*\n"
    "{{ with .Annotations.description }}{{ . }}\n{{ end }}"
    + _links("<%s|%s>  ")
    + "{{ with .Annotations.definition }}`{{ . }}`{{ end }}",
    "resolved": f"Over: {_WHAT}",
}
# Teams reads Markdown.
_TEAMS_TEXT = _ALERTS % {
    "firing": f"**{_WHAT}**\n\n"
    "{{ with .Annotations.description }}{{ . }}\n\n{{ end }}"
    + "".join("{{ with .Annotations.%s }}[%s]({{ . }}) {{ end }}" % link for link in _LINKS)  # noqa: UP031
    + "\n",
    "resolved": f"Over: {_WHAT}\n",
}
_MAIL_TEXT = _ALERTS % {
    "firing": f"<p><b>{_WHAT}</b><br>"
    "{{ with .Annotations.description }}{{ . }}<br>{{ end }}"
    + _links('<a href="%s">%s</a> ')
    + "{{ with .Annotations.definition }}<code>{{ . }}</code>{{ end }}</p>",
    "resolved": f"<p>Over: {_WHAT}</p>",
}

# PagerDuty's links have no default to redefine. Alertmanager leaves out one that the alerts of a group don't share.
PAGERDUTY_LINKS: tuple[Mapping[str, str], ...] = tuple(
    {"href": "{{ .CommonAnnotations." + name + " }}", "text": title} for name, title in _LINKS
)


def template(page: str) -> str:
    """The template file that puts our words into Alertmanager's default messages; ``page`` is that severity's word."""
    definitions = {
        "slack.default.title": _TITLE,
        "slack.default.titlelink": _TITLE_LINK,
        "slack.default.color": _COLOR % page,
        "slack.default.text": _SLACK_TEXT,
        "pagerduty.default.description": _TITLE,
        "opsgenie.default.message": _TITLE,
        "msteamsv2.default.title": _TITLE,
        "msteamsv2.default.text": _TEAMS_TEXT,
        "email.default.subject": _TITLE,
        "email.default.html": _MAIL_TEXT,
    }
    head = "{{- /* What notifications say. The names are Alertmanager's own defaults, redefined. */ -}}\n"
    return head + "".join('\n{{ define "%s" }}%s{{ end }}\n' % item for item in definitions.items())  # noqa: UP031


# Inline it stands in every receiver, and two hundred owners must fit into a Secret: so it relies on what every alert of
# ours says of itself, and mail keeps Alertmanager's own form.
_SLACK_SHORT = (
    "{{ range $number, $alert := .Alerts }}{{ if lt $number 10 }}"
    '{{ if eq .Status "resolved" }}Over: {{ end }}*{{ .Annotations.summary }}*\n{{ .Annotations.description }}\n'
    + "".join(f"<{{{{ .Annotations.{name} }}}}|{title}>  " for name, title in _LINKS)
    + "`{{ .Annotations.definition }}`\n{{ end }}{{ end }}"
)


def inline(page: str) -> Mapping[str, Mapping[str, object]]:
    """The same messages, shorter, as settings for each kind of integration by the key of its list."""
    return {
        "slack_configs": {
            "title": _TITLE,
            "title_link": _TITLE_LINK,
            "color": _COLOR % page,
            "text": _SLACK_SHORT,
        },
        "pagerduty_configs": {"description": _TITLE},
        "opsgenie_configs": {"message": _TITLE},
        "msteamsv2_configs": {"title": _TITLE, "text": _TEAMS_TEXT},
        "email_configs": {"headers": {"Subject": _TITLE}},
    }
