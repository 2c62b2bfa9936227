"""C-CDA R2.1: a continuity of care document or a referral note, with narrative and structured entries.

Source: HL7 CDA R2 Implementation Guide: Consolidated CDA Templates for Clinical Notes (US Realm), DSTU Release 2.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from simulator.population.documents.ccda import entries, measured
from simulator.population.documents.ccda.header import header
from simulator.population.documents.ccda.xml import element, template, text
from simulator.population.documents.paper import Paper, Section
from simulator.population.documents.view import View


class _Part(NamedTuple):
    root: str
    extension: str
    loinc: str
    display: str
    entries: Callable[[View], Iterable[str]]


_PARTS = {
    "Reason for referral": _Part(
        "1.3.6.1.4.1.19376.1.5.3.1.3.1", "2014-06-09", "42349-1", "Reason for referral", lambda view: ()
    ),
    "Allergies": _Part(
        "2.16.840.1.113883.10.20.22.2.6.1", "2015-08-01", "48765-2", "Allergies and adverse reactions",
        entries.allergies,
    ),
    "Medications": _Part(
        "2.16.840.1.113883.10.20.22.2.1.1", "2014-06-09", "10160-0", "History of medication use", entries.medications
    ),
    "Problem list": _Part(
        "2.16.840.1.113883.10.20.22.2.5.1", "2015-08-01", "11450-4", "Problem list", entries.problems
    ),
    "Results": _Part(
        "2.16.840.1.113883.10.20.22.2.3.1", "2015-08-01", "30954-2", "Relevant diagnostic tests", measured.results
    ),
    "Vital signs": _Part(
        "2.16.840.1.113883.10.20.22.2.4.1", "2015-08-01", "8716-3", "Vital signs", measured.vital_signs
    ),
    "Immunizations": _Part(
        "2.16.840.1.113883.10.20.22.2.2.1", "2015-08-01", "11369-6", "History of immunizations", entries.immunizations
    ),
    "Procedures": _Part(
        "2.16.840.1.113883.10.20.22.2.7.1", "2014-06-09", "47519-4", "History of procedures", entries.procedures
    ),
    "Encounters": _Part(
        "2.16.840.1.113883.10.20.22.2.22.1", "2015-08-01", "46240-8", "History of encounters", entries.encounters
    ),
}  # fmt: skip


def ccda(view: View, paper: Paper) -> bytes:
    """A document as C-CDA, in UTF-8."""
    sections = "".join(_section(view, section) for section in paper.sections if section.heading in _PARTS)
    body = element("component", element("structuredBody", sections))
    document = element(
        "ClinicalDocument",
        header(view, paper),
        body,
        xmlns="urn:hl7-org:v3",
        xmlns_xsi="http://www.w3.org/2001/XMLSchema-instance",
        xmlns_sdtc="urn:hl7-org:sdtc",
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{document}\n'.encode()


def _section(view: View, section: Section) -> str:
    part = _PARTS[section.heading]
    told = list(part.entries(view))
    return element(
        "component",
        element(
            "section",
            template(part.root, part.extension),
            element(
                "code",
                code=part.loinc,
                codeSystem="2.16.840.1.113883.6.1",
                codeSystemName="LOINC",
                displayName=part.display,
            ),
            element("title", text(section.heading)),
            element("text", _narrative(section)),
            *(element("entry", one, typeCode="DRIV") for one in told),
            nullFlavor=None if told or section.heading == "Reason for referral" else "NI",
        ),
    )


def _narrative(section: Section) -> str:
    if section.table is not None:
        head = element("tr", *(element("th", text(cell)) for cell in section.table.headings))
        rows = (element("tr", *(element("td", text(cell)) for cell in row)) for row in section.table.rows)
        return element("table", element("thead", head), element("tbody", *rows))
    if section.is_list:
        return element("list", *(element("item", text(line)) for line in section.lines))
    return "".join(element("paragraph", text(line)) for line in section.lines)
