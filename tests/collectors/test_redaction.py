"""What the gateway masks and what it leaves, wherever it stands, with examples that the patterns were not made from."""

import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from collecting_lab import ROOT, Running, Sink, attributes, logs, merged, plain, trace

from meshscope.adapters.engines.otelcol import Otelcol
from tests.waiting import until

pytestmark = pytest.mark.engines("otelcol")

LISTED = tomllib.loads((Path(__file__).parent / "secrets.toml").read_text())
PAGE = (ROOT / "docs" / "redaction.md").read_text()


def examples(kinds: dict[str, list[str]]) -> list[str]:
    return [text.replace("|", "") for texts in kinds.values() for text in texts]


def everywhere(gateway: Running, sink: Sink, texts: list[str]) -> list[tuple[str, str, str]]:
    """Send each text in every place where telemetry holds any; what was sent, where, and what was stored."""
    spans = []
    for number, text in enumerate(texts):
        said = {"number": number, "note": text, "list": [text]}
        request = trace(failed=True, name=text, message=text, attributes=said)
        event = request.resource_spans[0].scope_spans[0].spans[0].events.add(name=text)
        event.attributes.extend(attributes({"note": text}))
        request.resource_spans[0].scope_spans[0].scope.attributes.extend(attributes({"note": text}))
        spans.append(request)
    records = logs(texts)
    for number, record in enumerate(records.resource_logs[0].scope_logs[0].log_records):
        record.event_name = texts[number]
        record.attributes.extend(attributes({"number": number, "note": texts[number]}))
    assert gateway.send("/v1/traces", merged(spans)) == 200
    assert gateway.send("/v1/logs", records) == 200
    until(lambda: len(sink.spans()) == len(texts) == len(sink.logs()), "every span and record", 30)
    return [*_of_spans(sink, texts), *_of_logs(sink, texts)]


def _of_spans(sink: Sink, texts: list[str]) -> Iterable[tuple[str, str, str]]:
    for _, span in sink.spans():
        held = plain(span.attributes)
        sent = texts[int(held["number"])]
        assert set(held) == {"number", "note", "list"}
        yield sent, "span name", span.name
        yield sent, "status message", span.status.message
        yield sent, "span attribute", held["note"]
        yield sent, "event name", span.events[0].name
        yield sent, "event attribute", plain(span.events[0].attributes)["note"]
        assert set(plain(span.events[0].attributes)) == {"note"}


def _of_logs(sink: Sink, texts: list[str]) -> Iterable[tuple[str, str, str]]:
    for _, record in sink.logs():
        held = plain(record.attributes)
        sent = texts[int(held["number"])]
        assert set(held) == {"number", "note"}
        yield sent, "body", record.body.string_value
        yield sent, "record attribute", held["note"]
        yield sent, "event name of a record", record.event_name


def _leaks(sent: str, stored: str) -> bool:
    """Whether what is left of ``sent`` is of use: nothing was masked, or a long word with digits, or many digits."""
    words = (word for word in re.findall(r"[A-Za-z0-9_+-]{6,}", sent) if re.search(r"\d", word))
    return "****" not in stored or any(word in stored for word in words) or len(re.findall(r"\d", stored)) > 4


def test_every_listed_secret_is_masked_wherever_it_stands(gateway: Running, sink: Sink):
    texts = examples(LISTED["text"])
    assert len(texts) > 90
    found = everywhere(gateway, sink, texts)
    assert len(found) == 8 * len(texts)
    leaked = {(sent, where): stored for sent, where, stored in found if _leaks(sent, stored)}
    assert leaked == {}


def test_what_people_need_to_find_a_fault_is_left_wherever_it_stands(gateway: Running, sink: Sink):
    texts = LISTED["harmless"]["text"]
    changed = {(sent, where): stored for sent, where, stored in everywhere(gateway, sink, texts) if stored != sent}
    assert changed == {}


@pytest.mark.parametrize("harmless", [False, True], ids=["secret", "harmless"])
def test_attributes_are_masked_by_their_names_and_others_are_not(gateway: Running, sink: Sink, harmless: bool):
    names = LISTED["harmless"]["keys"] if harmless else examples(LISTED["keys"])
    said = dict.fromkeys(names, "a value of 12")
    request = trace(failed=True, attributes=said)
    request.resource_spans[0].scope_spans[0].spans[0].events.add(name="said").attributes.extend(attributes(said))
    record = logs(["said"])
    record.resource_logs[0].scope_logs[0].log_records[0].attributes.extend(attributes(said))
    assert gateway.send("/v1/traces", request) == 200
    assert gateway.send("/v1/logs", record) == 200
    until(lambda: sink.spans() and sink.logs(), "the span and the record")
    expected = said if harmless else dict.fromkeys(names, "****")
    [(_, span)], [(_, stored)] = sink.spans(), sink.logs()
    for held in (span.attributes, span.events[0].attributes, stored.attributes):
        assert {name: value for name, value in plain(held).items() if value != expected[name]} == {}
        assert set(plain(held)) == set(names)


def test_an_attribute_that_is_called_like_a_part_of_a_span_is_left(gateway: Running, sink: Sink):
    own = {"span.name": "mine", "span.status.message": "mine too"}
    assert gateway.send("/v1/traces", trace(failed=True, name="POST /pay", message="boom", attributes=own)) == 200
    [(_, span)] = until(sink.spans, "the span")
    assert (plain(span.attributes), span.name, span.status.message) == (own, "POST /pay", "boom")


def test_links_pass_as_they_come_and_the_page_says_so(gateway: Running, sink: Sink):
    request = trace(failed=True)
    link = request.resource_spans[0].scope_spans[0].spans[0].links.add(trace_id=b"1" * 16, span_id=b"2" * 8)
    link.attributes.extend(attributes({"note": "password=hunter2hunter2"}))
    assert gateway.send("/v1/traces", request) == 200
    [(_, span)] = until(sink.spans, "the span")
    assert plain(span.links[0].attributes) == {"note": "password=hunter2hunter2"}
    assert "Attributes of span links are stored as they come" in PAGE


def test_no_statement_of_the_collector_s_leads_into_a_link(engine: Callable[[str], Path], tmp_path: Path):
    # The day that this fails, links can be masked.
    for path in ('span.links[0].attributes["note"]', 'span.links["note"]', "spanlink.attributes"):
        statement = f'set({path}, "****")'
        (tmp_path / "collectors").mkdir(exist_ok=True)
        (tmp_path / "collectors" / "links.yaml").write_text(
            "receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:0}}}}\n"
            "exporters: {nop: {}}\n"
            f"processors: {{transform: {{trace_statements: ['{statement}']}}}}\n"
            "service: {pipelines: {traces: {receivers: [otlp], processors: [transform], exporters: [nop]}}}\n"
        )
        verdict = Otelcol(programs=(engine("otelcol"),), version="").judge(tmp_path, ["collectors/links.yaml"])
        assert len(verdict.complaints) == 1, statement


def test_the_page_lists_every_kind_that_is_tested_and_no_other():
    def listed(heading: str) -> list[str]:
        part = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
        return re.findall(r"^- (.+)$", part, re.MULTILINE)

    assert listed("Text that is masked wherever it stands") == list(LISTED["text"])
    assert [one.partition(":")[0] for one in listed("Attributes that are masked by their name")] == list(LISTED["keys"])
