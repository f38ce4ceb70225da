"""Was everybody told who must be, in time, and nobody else?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.outages.rows import Expected, Row
from tests.outages.telling import Told

ANYTHING = "*"


def judge(row: Row, told: Sequence[Told], said: str) -> list[str]:
    """What is wrong; nothing where the row is right. ``said`` is what `build` and `check` said of the house."""
    wrong = [fault for expected in row.expected if (fault := _missing(row, expected, told))]
    wrong += [f"nobody expects this: {_line(one)}" for one in told if not _wanted(row, one)]
    if row.invisible and row.invisible not in said:
        wrong.append(f"nothing says {row.invisible}")
    return wrong


def _missing(row: Row, expected: Expected, told: Sequence[Told]) -> str | None:
    """Why what is expected did not happen."""
    found = [one for one in told if _is(expected.how, one) and one.who == expected.who and _about(expected, one)]
    wanted = f"{expected.who} gets a {expected.how} about {expected.about} within {expected.within / 60:g} min"
    if not found:
        return f"{wanted}: never told"
    first = (found[0].at - row.begins) / 60
    if found[0].at > row.begins + expected.within:
        return f"{wanted}: told after {first:.1f} min"
    if found[0].at < row.begins + expected.after:
        return f"{wanted}, not before {expected.after / 60:g}: told after {first:.1f} min"
    if expected.at_most is not None and len(found) > expected.at_most:
        return f"{wanted}, at most {expected.at_most} times: told {len(found)} times"
    return None


def _about(expected: Expected, told: Told) -> bool:
    return any(
        expected.about in subjects(alert) and (not expected.alerts or alert["alertname"] in expected.alerts)
        for alert in told.alerts
    )


def _wanted(row: Row, told: Told) -> bool:
    """Whether a message is one that the row expects, or one that it says may come."""
    if f"{told.how} {told.who}" in row.also:
        return True
    # Whoever is paged about a service may get a ticket about it too, and be told by more than one alert.
    wanted = {one.about for one in row.expected if one.who == told.who and (told.how == "ticket" or _is(one.how, told))}
    return all(wanted & subjects(alert) for alert in told.alerts)


def _is(how: str, told: Told) -> bool:
    return how in (told.how, "tell")


def subjects(alert: Mapping[str, str]) -> set[str]:
    """All that an alert is about, as rows say it: a service, one in one cluster, a cluster, anything."""
    cluster = alert.get("cluster", "")
    return {_service(alert), f"{cluster}/{_service(alert)}", f"{cluster}/{ANYTHING}", ANYTHING}


def _service(alert: Mapping[str, str]) -> str:
    return f"{alert.get('namespace', '')}/{alert.get('service', '')}"


def _line(told: Told) -> str:
    what = sorted({f"{alert['alertname']} {_service(alert)}" for alert in told.alerts})
    return f"{told.how} to {told.who} at {told.at / 60:.1f} min: {', '.join(what)}"
