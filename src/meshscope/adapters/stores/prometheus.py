"""Prometheus's HTTP API, and what speaks it too (Thanos, Mimir, VictoriaMetrics): asked, never changed.

Each request ends within a time and a size. Instant queries go by POST, as their text may be long; where only GET is let
through, by GET. Redirects are not followed, so that credentials reach nobody else.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

import httpx2

from meshscope.adapters.stores import failures
from meshscope.adapters.stores.access import Access
from meshscope.build.discovery.store import About, Answer, Question, Row
from meshscope.build.promql import quoted
from meshscope.check.live import LoadedRule
from meshscope.findings import MeshscopeError
from meshscope.model.units import Duration, ms

T = TypeVar("T")

MOST_BYTES = 64 << 20
MOST_ROWS = 250_000
_CONNECT_SECONDS = 5.0
_GRACE_SECONDS = 1.0
_MILLISECONDS = {
    "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000,
}  # fmt: skip
_DURATION = re.compile(r"(\d+(ms|[smhdwy]))+")


class PrometheusStore:
    """A Prometheus at ``url``, asked as ``access`` says; every question has ``seconds``.

    Raises `MeshscopeError` for what is no address, and from every method where it can't be asked.
    """

    def __init__(self, url: str, access: Access, *, seconds: float = 60.0, most_bytes: int = MOST_BYTES) -> None:
        address, access = _address(url, access)
        self.url = str(address).rstrip("/")
        self._access = access
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._method = "POST"
        self._client = httpx2.Client(
            auth=access.basic,
            headers=[*access.headers, *([("Authorization", access.authorization)] if access.authorization else [])],
            verify=access.context(),
            timeout=httpx2.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS)),
            # A proxy that is set for the world does not know this machine.
            trust_env=not _is_here(address.host),
        )

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def about(self) -> About:
        """What it is; what only some stores tell is left out where they don't."""
        data = self._query({"query": "time()"}, "what it is")
        try:
            now = Decimal(str(data["result"][1]))  # type: ignore[index]
            date = datetime.fromtimestamp(float(now), UTC).strftime("%Y-%m-%d %H:%M UTC")
        except (KeyError, IndexError, TypeError, ArithmeticError, ValueError, OSError) as error:
            raise failures.not_prometheus(self.url, "something that is no time") from error
        build, runtime, tsdb = (self._told(f"status/{name}") for name in ("buildinfo", "runtimeinfo", "tsdb"))
        head = tsdb.get("headStats")
        series = head.get("numSeries") if isinstance(head, dict) else None
        return About(
            product=f"{build.get('application', 'Prometheus')} {build.get('version', '')}".strip(),
            now=now,
            date=date,
            retention=retention(str(runtime.get("storageRetention", ""))),
            series=series if isinstance(series, int) else None,
        )

    def names(self) -> tuple[str, ...]:
        """The names of its metrics, sorted."""
        return tuple(sorted(self._listed("label/__name__/values", {}, "which metrics it has")))

    def labels(self, metric: str) -> frozenset[str]:
        """The labels that the series of a metric have."""
        return frozenset(self._listed("labels", {"match[]": _series(metric)}, f"which labels `{metric}` has"))

    def values(self, metric: str, label: str) -> frozenset[str]:
        """The values that a label of a metric has."""
        form = {"match[]": _series(metric)}
        return frozenset(self._listed(f"label/{label}/values", form, f"which values `{label}` has"))

    def loaded(self) -> tuple[LoadedRule, ...]:
        """The rules that it runs, in the order of files and groups."""
        data = self._data("GET", "rules", {}, "which rules it runs")
        try:
            return tuple(
                LoadedRule(
                    name=str(rule["name"]),
                    labels={str(name): str(value) for name, value in rule.get("labels", {}).items()},
                    query=str(rule["query"]),
                    group=str(group["name"]),
                    file=str(group["file"]),
                )
                for group in data["groups"]  # type: ignore[index]
                for rule in group["rules"]
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise failures.not_prometheus(self.url, "something that is no list of rules") from error

    def _listed(self, path: str, form: Mapping[str, str], purpose: str) -> list[str]:
        data = self._data("GET", path, form, purpose)
        if not isinstance(data, list):
            raise failures.not_prometheus(self.url, "something that is no list of names")
        return [str(one) for one in data]

    def ask(self, question: Question, now: Decimal) -> Answer:
        """The answer as it was at ``now``."""
        form = {
            "query": question.promql,
            "time": str(now),
            "timeout": f"{self._seconds:g}s",
            "limit": str(MOST_ROWS + 1),
        }
        document = self._document(self._method, "query", form, question.purpose)
        data = document.get("data")
        result = data.get("result") if isinstance(data, dict) else None
        if not isinstance(result, list):
            raise failures.not_prometheus(self.url, "something that is no vector")
        if len(result) > MOST_ROWS:
            raise failures.too_much(self.url, question.purpose, f"{MOST_ROWS:,} series")
        warnings = document.get("warnings")
        return Answer(
            rows=tuple(self._row(item) for item in result),
            warnings=tuple(map(str, warnings)) if isinstance(warnings, list) else (),
        )

    def _row(self, item: object) -> Row:
        try:
            labels, value = item["metric"], float(item["value"][1])  # type: ignore[index]
            return Row({str(name): str(text) for name, text in labels.items()}, value)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise failures.not_prometheus(self.url, "a vector without values") from error

    def _query(self, form: Mapping[str, str], purpose: str) -> object:
        return self._data(self._method, "query", form, purpose)

    def _told(self, path: str) -> Mapping[str, object]:
        """What only some stores tell of themselves; nothing where this one doesn't."""
        with suppress(MeshscopeError):
            data = self._data("GET", path, {}, "what it is")
            if isinstance(data, dict):
                return data
        return {}

    def _data(self, method: str, path: str, form: Mapping[str, str], purpose: str) -> object:
        return self._document(method, path, form, purpose).get("data")

    def _document(self, method: str, path: str, form: Mapping[str, str], purpose: str) -> Mapping[str, object]:
        try:
            status, kind, body, where = self._in_time(lambda: self._sent(method, path, form, purpose), purpose)
        except httpx2.ConnectTimeout as error:
            raise failures.slow(self.url, "the connection is not accepted", _CONNECT_SECONDS) from error
        except httpx2.TimeoutException as error:
            raise failures.slow(self.url, purpose, self._seconds) from error
        except httpx2.DecodingError as error:
            raise failures.not_prometheus(self.url, "bytes that can't be decoded") from error
        except httpx2.TransportError as error:
            raise failures.unreachable(self.url, error) from error
        if status == 405 and method == "POST":
            self._method = "GET"
            return self._document("GET", path, form, purpose)
        if where:
            raise failures.moved(self.url, where)
        document = _object(body)
        self._judge(status, kind, document, purpose)
        return document or {}

    def _in_time(self, ask: Callable[[], T], purpose: str) -> T:
        """What ``ask`` gives. The client's own time starts anew with each byte, so that one could drip for ever."""
        answers: SimpleQueue[tuple[T | None, Exception | None]] = SimpleQueue()

        def run() -> None:
            try:
                answers.put((ask(), None))
            except Exception as error:
                answers.put((None, error))

        Thread(target=run, daemon=True).start()
        try:
            answer, error = answers.get(timeout=self._seconds + _GRACE_SECONDS)
        except Empty as empty:
            raise failures.slow(self.url, purpose, self._seconds) from empty
        if error is not None:
            raise error
        return answer  # type: ignore[return-value]

    def _sent(self, method: str, path: str, form: Mapping[str, str], purpose: str) -> tuple[int, str, bytes, str]:
        """Status, content type, body and the address of a redirect."""
        url = f"{self.url}/api/v1/{path}"
        end = time.monotonic() + self._seconds
        content = {"data": form} if method == "POST" else {"params": form}
        with self._client.stream(method, url, **content) as response:  # type: ignore[arg-type]
            body = bytearray()
            # As the pieces come: waiting for a piece of some size would wait for ever for one that drips.
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > self._most_bytes:
                    raise failures.too_much(self.url, purpose, f"{self._most_bytes >> 20} MiB")
                if time.monotonic() > end:
                    raise failures.slow(self.url, purpose, self._seconds)
            where = str(response.next_request.url.copy_with(query=None)) if response.next_request else ""
            return response.status_code, response.headers.get("content-type", ""), bytes(body), where

    def _judge(self, status: int, kind: str, document: Mapping[str, object] | None, purpose: str) -> None:
        """Raise what the answer means, unless it is a good one."""
        said = str((document or {}).get("error", ""))
        if status in (401, 403):
            raise failures.refused(self.url, status, self._access.known)
        if document is not None and document.get("errorType") == "timeout":
            raise failures.slow(self.url, purpose, self._seconds)
        if status == 429 or status >= 500:
            raise failures.unavailable(self.url, status, said)
        if document is not None and document.get("status") == "error":
            raise failures.failed(self.url, purpose, said or "it does not say why")
        if document is None or document.get("status") != "success" or status != 200:
            page = "a web page" if "html" in kind else f"status {status}" if status != 200 else "something"
            raise failures.not_prometheus(self.url, page)


def retention(text: str) -> Duration | None:
    """How long samples are kept, of what Prometheus says (``15d``, ``15d or 10GiB``); None for a size alone."""
    for part in text.split(" or "):
        if _DURATION.fullmatch(part):
            found = re.findall(r"(\d+)(ms|[smhdwy])", part)
            return sum(int(number) * _MILLISECONDS[unit] for number, unit in found) * ms
    return None


def _series(metric: str) -> str:
    return f"{{__name__={quoted(metric)}}}"


def _object(body: bytes) -> Mapping[str, object] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _address(url: str, access: Access) -> tuple[httpx2.URL, Access]:
    """The address without what is secret in it, and the access with that."""
    try:
        address = httpx2.URL(url.strip())
    except (httpx2.InvalidURL, ValueError) as error:
        raise failures.bad_address(url, "write it as http://127.0.0.1:9090") from error
    if address.scheme not in ("http", "https") or not address.host:
        bare = url.strip().rpartition("//")[2].rpartition("@")[2]
        raise failures.bad_address(url, f"did you mean http://{bare}?" if bare else "write it as http://127.0.0.1:9090")
    if address.userinfo and not access.authorization:
        access = Access(**{**vars(access), "basic": (address.username, address.password)})
    return httpx2.URL(scheme=address.scheme, host=address.host, port=address.port, path=address.path), access


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
