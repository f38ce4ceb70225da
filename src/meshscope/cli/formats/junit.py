"""For whatever shows test results: each engine's cases, and each code of a finding as a case that failed."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from meshscope.check.report import Report
from meshscope.cli.formats.result import Result
from meshscope.cli.show import folded, ordered
from meshscope.findings import Level


def as_junit(result: Result) -> str:
    """JUnit XML: a suite for the findings of our own, and one for each engine. Only errors fail."""
    report = result.report
    suites = ElementTree.Element("testsuites", name=f"meshscope {result.verb}")
    _findings(suites, report, result.prefix)
    for judged in report.judged:
        suite = ElementTree.SubElement(suites, "testsuite", name=judged.name)
        for case in judged.cases:
            node = ElementTree.SubElement(suite, "testcase", classname=case.path, name=case.name or case.path)
            if case.failed:
                _said(ElementTree.SubElement(node, "failure", message=case.failed.partition("\n")[0]), case.failed)
    for one in report.absent:
        suite = ElementTree.SubElement(suites, "testsuite", name=one.name)
        node = ElementTree.SubElement(suite, "testcase", classname=one.name, name="is asked")
        ElementTree.SubElement(node, "skipped", message=f"{one.name}: {one.why}")
    for suite in suites:
        suite.set("tests", str(len(suite.findall("testcase"))))
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
        suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _findings(suites: ElementTree.Element, report: Report, prefix: str) -> None:
    own = [finding for finding in ordered(report.findings) if not finding.code.startswith("engine/")]
    suite = ElementTree.SubElement(suites, "testsuite", name="findings")
    for group in folded(own):
        for finding in group:
            where = f"{prefix}{finding.place}" if finding.place else "the house"
            node = ElementTree.SubElement(suite, "testcase", classname=finding.code, name=where)
            text = "\n".join(part for part in (finding.title, where, finding.why, finding.help) if part)
            kind = "failure" if finding.level == Level.ERROR else "system-out"
            child = ElementTree.SubElement(node, kind)
            if kind == "failure":
                child.set("message", _printable(finding.title))
            _said(child, text)
    if not own:
        ElementTree.SubElement(suite, "testcase", classname="meshscope", name="the definitions are clean")


def _said(node: ElementTree.Element, text: str) -> None:
    node.text = _printable(text)


def _printable(text: str) -> str:
    # XML 1.0 has no way to write control characters.
    return "".join(letter if letter.isprintable() or letter in "\t\n" else "\ufffd" for letter in text)
