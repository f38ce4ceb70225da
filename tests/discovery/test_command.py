"""``meshscope new NAME --from URL``, as a person types it."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest

from meshscope.findings import MeshscopeError
from meshscope.wiring.discover import discover
from tests.discovery.test_bad_stores import answering, fixed
from tests.discovery.test_documentation import PAGE
from tests.houses import House
from tests.ports import free_port

OWNERS = {"service/no-owner", "owner/no-contact"}


@pytest.mark.engines("prometheus", "promtool", "amtool", "otelcol")
def test_a_mesh_goes_from_an_address_to_artefacts_that_the_real_programs_accept(
    prometheus: str, engine: object, tmp_path: Path
) -> None:
    for program in ("amtool", "otelcol"):
        engine(program)  # type: ignore[operator]
    ended = House(tmp_path).run("new", "acme", "--from", prometheus, status=0)
    shown = re.search(r"^\$ meshscope new acme .*\n((?s:.*?))^```$", PAGE, flags=re.MULTILINE)
    assert shown is not None
    read_from = r"read from Prometheus [\d.]+ at http://[\d.:]+"
    assert re.sub(read_from, "", ended.stdout) == re.sub(read_from, "", shown[1])
    assert "warning[discover/bad-name]" in ended.stderr
    acme = House(tmp_path / "acme")
    assert {path.name for path in acme.root.iterdir()} == {
        ".gitignore", "alerts", "collectors", "dashboards", "mesh.py", "services",
    }  # fmt: skip
    checked = json.loads(acme.run("check", "--format", "json", status=0).stdout)
    assert {finding["code"] for finding in checked["findings"] if finding["level"] != "note"} == OWNERS
    judged = " ".join(judge["engine"] for judge in checked["judged"])
    assert all(program in judged for program in ("promtool", "amtool", "otelcol")), judged
    assert checked["not_judged"] == []
    for emit in ("files", "operator"):
        built = acme.run("build", "--emit", emit, "-o", str(tmp_path / emit), status=0)
        assert "acme: 81 services, 166 calls, 160 SLOs, 1 owner" in built.stdout
    again = House(tmp_path).run("new", "acme", "--from", prometheus, status=1)
    assert again.stderr.startswith("error[new/occupied]: `acme` is not empty\n")


@pytest.mark.engines("prometheus", "promtool")
def test_owners_that_are_said_are_findings_no_more(prometheus: str, tmp_path: Path) -> None:
    House(tmp_path).run("new", "acme", "--from", prometheus, status=0)
    acme = tmp_path / "acme"
    known = 'owner = Owner(name="everybody", issues="github:acme/mesh", pager="pagerduty:acme", chat="slack:#acme")'
    for path in [acme / "mesh.py", *(acme / "services").glob("*.py")]:
        text = path.read_text()
        text = re.sub(r"^owner: Owner \| None = None .*$", known, text, flags=re.MULTILINE)
        path.write_text(re.sub(r"^owner = Owner\(\n.*?^\)$", known, text, flags=re.MULTILINE | re.DOTALL))
    # Only our own rules speak of owners; where the mesh's own pages are, nobody has said yet.
    without_engines = {"MESHSCOPE_CACHE": str(tmp_path / "none"), "PATH": ""}
    ended = House(acme, without_engines).run("check", "--format", "json", status=0)
    findings = json.loads(ended.stdout)["findings"]
    assert {finding["code"] for finding in findings} <= {"service/no-runbook", "mesh/placeholder"}
    assert {finding["subject"] for finding in findings if finding["code"] == "mesh/placeholder"} <= {"acme"}


def test_a_prometheus_that_is_down_or_none_ends_with_an_error_and_nothing_written(tmp_path: Path) -> None:
    port = free_port()
    ended = House(tmp_path).run("new", "acme", "--from", f"http://127.0.0.1:{port}", status=1)
    assert ended.stdout == ""
    assert ended.stderr.splitlines()[0] == (
        f"error[prometheus/unreachable]: nothing answers at http://127.0.0.1:{port}: the connection is refused"
    )
    with answering(fixed(200, "<html>")) as (url, _):
        ended = House(tmp_path).run("new", "acme", "--from", url, status=1)
    assert ended.stderr.startswith("error[prometheus/not-prometheus]: ")
    assert list(tmp_path.iterdir()) == []


def test_how_long_each_question_may_take_is_an_option(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        ended = House(tmp_path).run("new", "acme", "--from", url, "--ask-seconds", "0.5", status=1)
    assert ended.stderr.startswith(f"error[prometheus/slow]: {url} has not answered within 0.5 seconds: what it is\n")


@pytest.mark.engines("prometheus", "promtool")
def test_a_folder_that_can_not_be_written_is_told_and_nothing_is_left(prometheus: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(MeshscopeError) as caught:
        discover(prometheus, "acme", tmp_path / "file" / "acme")
    finding = caught.value.finding
    assert finding.code == "new/unwritable"
    assert "-o" not in finding.help.split()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
