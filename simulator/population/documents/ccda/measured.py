"""Entries of results and vital signs: one organizer a panel and time, one observation an analyte."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from simulator.population.documents.ccda.header import root_of
from simulator.population.documents.ccda.xml import coded, element, moment, template, text
from simulator.population.documents.parts import recent
from simulator.population.documents.view import View
from simulator.population.records import Code, Observation

_T = "2.16.840.1.113883.10.20.22.4."
_INTERPRETATIONS = "2.16.840.1.113883.5.83"
_VITAL_SIGNS = Code("snomed", "46680005", "Vital signs")


def results(view: View) -> Iterator[str]:
    """Result Organizers, newest first; a test outside a panel is an organizer of one."""

    def panel(one: Observation) -> tuple[datetime, str]:
        return one.effective, one.panel.code if one.panel is not None else one.code.code

    for (_, _), group in groupby(recent(view, "laboratory"), key=panel):
        members = list(group)
        first = members[0]
        is_final = all(one.status != "preliminary" for one in members)
        yield element(
            "organizer",
            template(_T + "1", "2015-08-01"),
            element("id", root=root_of(view, "panel", first.ordinal)),
            coded("code", first.panel or first.code),
            element("statusCode", code="completed" if is_final else "active"),
            *(element("component", _observation(view, one, template(_T + "2", "2015-08-01"))) for one in members),
            classCode="BATTERY",
            moodCode="EVN",
        )


def vital_signs(view: View) -> Iterator[str]:
    """Vital Signs Organizers, one for everything taken at a time."""
    for at, group in groupby(recent(view, "vital-signs"), key=lambda one: one.effective):
        members = list(group)
        yield element(
            "organizer",
            template(_T + "26", "2015-08-01"),
            element("id", root=root_of(view, "vital signs", members[0].ordinal)),
            coded("code", _VITAL_SIGNS, coded("translation", Code("loinc", "74728-7", "Vital signs"))),
            element("statusCode", code="completed"),
            element("effectiveTime", value=moment(at, view.zone)),
            *(element("component", _observation(view, one, template(_T + "27", "2014-06-09"))) for one in members),
            classCode="CLUSTER",
            moodCode="EVN",
        )


def _observation(view: View, one: Observation, templates: str) -> str:
    flag = one.interpretation
    return element(
        "observation",
        templates,
        element("id", root=root_of(view, "observation", one.ordinal)),
        coded("code", one.code),
        element("statusCode", code="active" if one.status == "preliminary" else "completed"),
        element("effectiveTime", value=moment(one.effective, view.zone)),
        _value(one),
        element("interpretationCode", code=flag, codeSystem=_INTERPRETATIONS) if flag else "",
        _range(one),
        classCode="OBS",
        moodCode="EVN",
    )


def _value(one: Observation) -> str:
    if one.coded is not None:
        return coded("value", one.coded, type_="CD")
    if one.value is None:
        return element("value", text(one.value_text or ""), xsi_type="ST")
    amount = f"{one.value:f}"
    if one.comparator is not None:  # an open interval, its one end not part of it
        end = "high" if one.comparator == "<" else "low"
        return element("value", element(end, value=amount, unit=one.unit, inclusive="false"), xsi_type="IVL_PQ")
    return element("value", xsi_type="PQ", value=amount, unit=one.unit)


def _range(one: Observation) -> str:
    if one.low is None and one.high is None:
        return ""
    return element(
        "referenceRange",
        element(
            "observationRange",
            element(
                "value",
                element("low", value=f"{one.low:f}", unit=one.unit) if one.low is not None else "",
                element("high", value=f"{one.high:f}", unit=one.unit) if one.high is not None else "",
                xsi_type="IVL_PQ",
            ),
        ),
    )
