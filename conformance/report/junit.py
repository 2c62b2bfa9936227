"""A run as JUnit XML: suites by vendor and area. UNTESTED is a failure, because skipped reads as green."""

from __future__ import annotations

from itertools import groupby
from xml.etree import ElementTree as ET

import click

from conformance.catalogue import checks
from conformance.judge import Judgement
from conformance.record import Run
from conformance.report.repeat import command
from conformance.report.terminal import exchange_lines
from conformance.verdict import Verdict

_MOST = 100_000
_BAD = (Verdict.FAIL, Verdict.UNTESTED)


def xml_of(run: Run) -> str:
    """The XML document."""
    root = ET.Element("testsuites", name="emr-sandbox check", time=f"{run.header['seconds']:.3f}")
    known = [one for one in run.judgements if one.check in checks()]
    for (vendor, area), group in groupby(sorted(known, key=_suite), key=_suite):
        cells = list(group)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=f"{vendor}.{area}",
            tests=str(len(cells)),
            failures=str(sum(1 for one in cells if one.verdict in _BAD and not one.is_waived)),
            errors=str(sum(1 for one in cells if one.verdict is Verdict.ERROR)),
            skipped=str(sum(1 for one in cells if one.verdict is Verdict.NOT_APPLICABLE or one.is_waived)),
            time="0",
        )
        for one in cells:
            _add(suite, run, one, area)
    if run.stale:
        suite = ET.SubElement(
            root, "testsuite", name="waivers", tests=str(len(run.stale)), failures=str(len(run.stale))
        )
        for sentence in run.stale:
            case = ET.SubElement(suite, "testcase", classname="waivers", name=sentence)
            ET.SubElement(case, "failure", type="stale", message=sentence)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(one: Judgement) -> tuple[str, str]:
    return ("all" if one.vendor == "*" else one.vendor), checks()[one.check].area


def _add(suite: ET.Element, run: Run, one: Judgement, area: str) -> None:
    check = checks()[one.check]
    vendor = "all" if one.vendor == "*" else one.vendor
    case = ET.SubElement(suite, "testcase", classname=f"{area}.{vendor}", name=f"{check.id} {check.title}", time="0")
    properties = ET.SubElement(case, "properties")
    for name, value in (("severity", check.severity), ("level", f"L{check.level}"), ("seed", str(run.header["seed"]))):
        ET.SubElement(properties, "property", name=name, value=value)
    if one.is_waived:
        ET.SubElement(case, "skipped", message=f"waived: {one.says}")
    elif one.verdict in _BAD:
        failure = ET.SubElement(case, "failure", type=one.verdict.value.lower(), message=one.says)
        failure.text = _proof(run, one)
    elif one.verdict is Verdict.ERROR:
        ET.SubElement(case, "error", type="harness", message=one.says)
    elif one.verdict is Verdict.NOT_APPLICABLE:
        ET.SubElement(case, "skipped", message=one.says)
    elif one.verdict is Verdict.WARN:
        ET.SubElement(case, "system-out").text = f"warning: {_proof(run, one)}"


def _proof(run: Run, one: Judgement) -> str:
    lines = [one.says]
    for finding in one.findings:
        lines.append(finding.says)
        lines += exchange_lines([x for ref in finding.at if (x := run.exchange(ref)) is not None])
        lines += [f"{name}: {value}" for name, value in (("wanted", finding.expected), ("got", finding.got)) if value]
    lines += [f"source: {checks()[one.check].source[0].where}", f"again: {command(run, one)}"]
    return click.unstyle("\n".join(lines))[:_MOST]
