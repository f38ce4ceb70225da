"""Bodies that two readers would read differently, that grow when they are opened, or that nobody sends."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib

from tests.receiving.attacking import (
    EITHER,
    FALCO,
    GOOD,
    GOOD_GRAFANA,
    GRAFANA,
    TAKEN,
    Attack,
    alert,
    event,
    post,
    webhook,
)

_LARGE = 33 << 20


def _zip(data: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("body.json", data)
    return made.getvalue()


def _bomb() -> bytes:
    """40 MB of spaces in 40 kB."""
    return gzip.compress(b" " * (40 << 20))


def _encodings() -> list[Attack]:
    squeezed = {"Content-Encoding": "gzip"}
    good = webhook(alert(n="gzip"))
    return [
        post("gzip that is 1,000 times as large", lambda _: _bomb(), headers=squeezed),
        post("gzip of gzip that is 1,000,000 times as large", lambda _: gzip.compress(_bomb() * 8), headers=squeezed),
        post(
            "gzip with 40 MB of spaces before a good body",
            lambda _: gzip.compress(b" " * (40 << 20) + good),
            headers=squeezed,
        ),
        post("gzip without an end", gzip.compress(good)[:-9], headers=squeezed),
        post("gzip with a checksum that is wrong", gzip.compress(good)[:-8] + bytes(8), headers=squeezed),
        post("gzip and something after it", gzip.compress(good) + b"{}", headers=squeezed),
        post("gzip twice, one after the other", gzip.compress(good) * 2, headers=squeezed),
        post("gzip in gzip", gzip.compress(gzip.compress(good)), headers=squeezed),
        post("gzip of nothing", gzip.compress(b""), headers=squeezed),
        post("gzip that is none", good, headers=squeezed),
        post("gzip that is not said to be", gzip.compress(good)),
        post("gzip as it should be", gzip.compress(good), TAKEN, headers=squeezed, stored=1),
        post("zlib for gzip", zlib.compress(good), headers=squeezed),
        post("a zip for gzip", lambda _: _zip(good), headers=squeezed),
        *(
            post(f"the encoding {name}", good, headers={"Content-Encoding": name})
            for name in (
                "deflate",
                "br",
                "zstd",
                "compress",
                "x-gzip",
                "gzip, gzip",
                "identity, gzip",
                "gzip\x0b",
                "none",
            )
        ),
        post("33 MB", lambda _: b" " * _LARGE + good),
        post("33 MB in the middle", lambda _: good[:-1] + b" " * _LARGE + b"}"),
        post("a length of 4 GB", b"{}", headers={"Content-Length": str(4 << 30)}),
        *(
            post(f"the type {name!r}", good, headers={"Content-Type": name})
            for name in (
                "text/plain",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "text/html",
                "application/xml",
                "application/jsonp",
                "",
                "*/*",
                "json",
            )
        ),
        post(
            "a charset that is another",
            good,
            EITHER,
            headers={"Content-Type": "application/json; charset=utf-16"},
            stored=1,
        ),
    ]


def _within(text: str) -> bytes:
    """A body that is good, but for ``text`` under a key that nobody reads."""
    return webhook(alert(n="within"), extra="@").replace(b'"@"', text.encode("utf-8", "surrogatepass"))


def _syntax() -> list[Attack]:
    good = webhook(alert(n="syntax"))
    whole = {
        "nothing": b"",
        "spaces": b"   ",
        "null": b"null",
        "a list": b"[]",
        "true": b"true",
        "a text": b'"x"',
        "a number": b"4",
        "two documents": good + good,
        "something after it": good + b" x",
        "a NUL after it": good + b"\x00",
        "a BOM": b"\xef\xbb\xbf" + good,
        "UTF-16": good.decode().encode("utf-16"),
        "UTF-32": good.decode().encode("utf-32"),
        "a comma at the end": good[:-1] + b",}",
        "a comment": b"/* x */" + good,
        "single quotes": good.replace(b'"', b"'"),
        "no end": good[:-1],
        "half": good[: len(good) // 2],
        "a form": b"payload=%7B%7D",
        "XML": b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>",
        "YAML": b"!!python/object/apply:os.system ['id']",
        "a pickle": b"\x80\x04cos\nsystem\n(S'id'\ntR.",
        "bytes": bytes(range(256)),
    }
    inner = {
        "NaN": "NaN",
        "Infinity": "Infinity",
        "-Infinity": "-Infinity",
        "1e999": "1e999",
        "-1e999": "-1e999",
        "a number of 5,000 digits": "9" * 5000,
        "a number of 100,000 digits": "9" * 100_000,
        "01": "01",
        "+1": "+1",
        ".5": ".5",
        "0x10": "0x10",
        "half a surrogate": '"\\ud800"',
        "two halves the wrong way": '"\\udc00\\ud800"',
        "a surrogate in UTF-8": '"\ud800"',
        "a control that is not escaped": '"\x01"',
        "a line end in a text": '"a\nb"',
        "a bad escape": '"\\x41"',
        "undefined": "undefined",
        "a key twice": '{"a":1,"a":2}',
        "a key twice, once escaped": '{"a":1,"\\u0061":2}',
        "an empty key twice": '{"":1,"":2}',
        "101 lists": "[" * 101 + "]" * 101,
        "100,000 lists": "[" * 100_000 + "]" * 100_000,
        "2,000 objects": '{"a":' * 2000 + "1" + "}" * 2000,
        "100,000 lists without an end": "[" * 100_000,
    }
    return [
        *(post(f"in place of a body, {name}", text) for name, text in whole.items()),
        *(post(f"in a body, {name}", _within(text)) for name, text in inner.items()),
        post("in a body, 90 lists", _within("[" * 90 + "]" * 90), TAKEN, stored=1),
        post("in a body, 200,000 brackets in a text", _within('"' + "[{" * 100_000 + '"'), EITHER, stored=1),
        post(
            "in a body, 100,000 empty lists side by side",
            _within("[" + ",".join(["[]"] * 100_000) + "]"),
            EITHER,
            stored=1,
        ),
        post("bytes that are no text in a value", good.replace(b'"nowhere"', b'"\xff\xfe"')),
        post("bytes that are no text under a key that nobody reads", good[:-1] + b',"x":"\xff"}'),
        post("bytes that are too many for a letter", good.replace(b'"nowhere"', b'"\xc0\xaf"')),
        post("the status twice", good.replace(b'"status": "firing"', b'"status": "firing", "status": "resolved"')),
        post("the labels twice", good.replace(b'"labels": {', b'"labels": {}, "labels": {')),
        post("a label twice", good.replace(b'"alertname"', b'"service": "ledger", "alertname"')),
        post("the alerts twice", good[:-1] + b',"alerts":[]}'),
    ]


def _shapes() -> list[Attack]:
    alerts: dict[str, dict] = {
        "no status": {"status": None},
        "a status that is none": {"status": "pending"},
        "a status in capitals": {"status": "FIRING"},
        "a status that is a list": {"status": ["firing"]},
        "no labels": {"labels": None},
        "labels in a list": {"labels": ["a"]},
        "labels that are a text": {"labels": "alertname=X"},
        "a label that is a number": {"labels": {"a": 1}},
        "a label that is null": {"labels": {"a": {}}},
        "a label that is true": {"labels": {"a": True}},
        "no fingerprint": {"fingerprint": None},
        "a fingerprint that is empty": {"fingerprint": ""},
        "a fingerprint with a path": {"fingerprint": "../../../../etc"},
        "a fingerprint with slashes": {"fingerprint": "a/b/c/d/e/f/g/h/"},
        "a fingerprint with a line end": {"fingerprint": "461cc20a2d27e805\n"},
        "a fingerprint of 17": {"fingerprint": "461cc20a2d27e8050"},
        "a fingerprint in capitals": {"fingerprint": "461CC20A2D27E805"},
        "a fingerprint that is a number": {"fingerprint": 1},
        "a fingerprint of other digits": {"fingerprint": "\u0661" * 16},
        "a start that is none": {"startsAt": "yesterday"},
        "a start that is a number": {"startsAt": 1},
        "a start with something after it": {"startsAt": "2026-11-26T22:59:38Z; DROP"},
        "a start of 1 MB": {"startsAt": "2" * 1_000_000},
        "an annotation that is a list": {"annotations": {"a": []}},
        "a generator that is an object": {"generatorURL": {"a": 1}},
    }
    tops: dict[str, dict] = {
        "no version": {"version": None},
        "version 3": {"version": "3"},
        "version 5": {"version": "5"},
        "a version that is a number": {"version": 4},
        "no alerts": {"alerts": None},
        "alerts in an object": {"alerts": {"0": alert()}},
        "alerts that are null": {"alerts": [{}]},
        "an alert that is a text": {"alerts": ["x"]},
        "an alert that is a list": {"alerts": [[]]},
        "no group": {"groupKey": None},
        "fewer than none left out": {"truncatedAlerts": -1},
        "half an alert left out": {"truncatedAlerts": 0.5},
        "a text left out": {"truncatedAlerts": "1"},
        "2^70 left out": {"truncatedAlerts": 1 << 70},
    }
    return [
        *(post(f"an alert with {name}", webhook(alert(**changes))) for name, changes in alerts.items()),
        *(post(f"a body with {name}", webhook(**changes)) for name, changes in tops.items()),
        post("a good alert, and one that is none", webhook(alert(n="first"), {"status": "firing"})),
        post("a body of Grafana at Alertmanager's path", GOOD_GRAFANA),
        post("a body of Falco at Alertmanager's path", event()),
        post("a body of Alertmanager at Grafana's path", GOOD, path=GRAFANA),
        post("a body of Grafana without its organisation", webhook(version="1", state="alerting"), path=GRAFANA),
        post("a body of Grafana in a state that is none", webhook(version="1", state="pending", orgId=1), path=GRAFANA),
        post("no alerts in a list", json.dumps({"version": "4", "groupKey": "", "alerts": []}).encode(), TAKEN),
        post(
            "keys that every object has elsewhere",
            webhook(
                alert(labels={"__proto__": "x", "constructor": "y", "__class__": "z", "alertname": "NoSuchAlert"}),
                __proto__={"admin": True},
                constructor={"prototype": {}},
                __class__="os",
            ),
            TAKEN,
            stored=1,
        ),
    ]


def _falco() -> list[Attack]:
    fields = json.loads(event())["output_fields"]
    refused: dict[str, dict] = {
        "no rule": {"rule": None},
        "an empty rule": {"rule": ""},
        "a rule of 2,000 letters": {"rule": "x" * 2000},
        "a rule that is a list": {"rule": ["x"]},
        "a priority that is none": {"priority": "Fatal"},
        "a priority that is a number": {"priority": 1},
        "no priority": {"priority": None},
        "no time": {"time": None},
        "a time that is a number": {"time": 1795733978},
        "a time that is none": {"time": "now"},
        "fields in a list": {"output_fields": ["k8s.pod.name"]},
        "fields that are a text": {"output_fields": "x"},
        "a uuid that is none": {"uuid": "x"},
        "a uuid with a path": {"uuid": "../../../../../../../../../../../etc"},
        "a uuid with a line end": {"uuid": "0f9d4a3e-6b7c-4d8e-9f01-23456789abcd\n"},
        "tags that are a text": {"tags": "x"},
    }
    taken: dict[str, dict] = {
        "no uid of its pod": {
            "output_fields": {name: value for name, value in fields.items() if name != "k8s.pod.uid"}
        },
        "fields that would be labels": {
            "output_fields": {"alertname": "X", "service": "ledger", "namespace": "shop", "uid": "1"}
        },
        "a field in a field": {"output_fields": {"k8s.pod.name": {"k8s.pod.name": "x"}}},
        "a pod that it does not know": {
            "output_fields": {"k8s.ns.name": "<NA>", "k8s.pod.name": None, "k8s.pod.uid": ""}
        },
        "a pod with a path": {"output_fields": {"k8s.ns.name": "../kube-system", "k8s.pod.name": "../../etc/passwd"}},
        "a rule in two lines": {"rule": "Falco\r\nX-Injected: yes"},
        "a word about itself": {"rule": "Falco internal: syscall event drop", "source": "internal"},
        "no fields": {"output_fields": {}},
        "no tags": {"tags": []},
        "a field of 1 MB": {"output_fields": {"proc.cmdline": "x" * 1_000_000}},
        "the alert's name of another": {"rule": "LoneFailingInstance"},
    }
    return [
        *(post(f"an event with {name}", event(**changes), path=FALCO) for name, changes in refused.items()),
        *(
            post(f"an event with {name}", event(**changes), TAKEN, path=FALCO, stored=1)
            for name, changes in taken.items()
        ),
        post("two events", event() + b"\n" + event(), path=FALCO),
        post("events in a list", b"[" + event() + b"]", path=FALCO),
        post("an event twice", event(n="twice"), TAKEN, path=FALCO, stored=1),
    ]


BODY_ATTACKS: tuple[Attack, ...] = (*_encodings(), *_syntax(), *_shapes(), *_falco())
