"""Which of a patient's resources a query takes: the parameters that filter, type by type.

Source: SOURCES.md, "Search" (CS, DIBBS); traps E5 (what does not filter) and E36 (dates without a zone).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from simulator.fhir import build, search
from simulator.fhir.search import Param
from simulator.population.records import (
    Appointment,
    Condition,
    Document,
    Encounter,
    Immunization,
    Medication,
    Observation,
    Procedure,
)
from simulator.refusal import Refusal
from simulator.vendors.epic import dialect, errors, told_filters
from simulator.vendors.epic.dialect import Telling
from simulator.vendors.epic.params import (
    CONDITION_CATEGORIES,
    DATE_PREFIXES,
    OBSERVATION_CATEGORIES,
    ORDER_CATEGORIES,
    PROCEDURE_CATEGORIES,
    SERVICE_CATEGORIES,
)
from simulator.vendors.epic.query import Query
from simulator.vendors.epic.resources import Item, condition, document, medication, observation, procedure
from simulator.vendors.epic.resources.encounter import status_of

Test = Callable[[Item], bool]
_CLINICAL = build.SYSTEMS["condition-clinical"]
_ORDERED = build.SYSTEMS["medication-category"]
_OBSERVED = build.SYSTEMS["observation-category"]


def tests(t: Telling, query: Query) -> list[Test]:
    """What an item must pass.

    Raises:
        Refusal: malformed with issues: a required parameter is missing, a value is not taken.
    """
    found = _TESTS.get(query.type)
    return told_filters.tests(t, query) if found is None else found(t, query)


def _encounter_tests(t: Telling, query: Query) -> list[Test]:
    tests = _dates(t, query, "date", _encounter_span)
    for one in query.all("class"):
        tests.append(_tokens(one, lambda item: [_class_token(item)]))
    for one in query.all("identifier"):
        tests.append(_tokens(one, lambda item: [(dialect.CSN, t.contact_number(item[0].ordinal))]))
    for one in query.all("status"):
        tests.append(_tokens(one, lambda item: [("", status_of(t, _as(Encounter, item)))]))
    for one in query.all("reason-code"):  # seen: matches the text of the reason
        tests.append(lambda item, one=one: _reason_matches(t, item, one))  # type: ignore[misc]
    for one in query.all("diagnosis"):
        tests.append(lambda item, one=one: _diagnosis_matches(t, item, one))  # type: ignore[misc]
    return tests


def _class_token(item: Item) -> tuple[str, str]:
    return dialect.ENCOUNTER_CLASS, dialect.visit(_as(Encounter, item).type_key).class_code


def _encounter_span(t: Telling, item: Item) -> tuple[datetime, datetime] | None:
    encounter = _as(Encounter, item)
    if dialect.visit(encounter.type_key).timed:
        return encounter.start, encounter.end
    first, last = (t.day(at, encounter.ordinal) for at in (encounter.start, encounter.end))
    return _day_span(t, first)[0], _day_span(t, last)[1]


def _reason_matches(t: Telling, item: Item, one: Param) -> bool:
    encounter = _as(Encounter, item)
    reason = t.conditions.get(encounter.reason) if encounter.reason is not None else None
    return reason is not None and any(search.fold(value) in search.fold(reason.text) for value in one.values)


def _diagnosis_matches(t: Telling, item: Item, one: Param) -> bool:
    encounter = _as(Encounter, item)
    told = condition.diagnosis_of(t, encounter)
    if told is None:
        return False
    wanted = {search.reference(value)[1] for value in one.values}
    return told["reference"].partition("/")[2] in wanted or t.id("Condition", encounter.reason) in wanted


def _condition_tests(t: Telling, query: Query) -> list[Test]:
    _refuse_strangers(query, "category", CONDITION_CATEGORIES)
    _refuse_strangers(query, "clinical-status", frozenset({"active", "inactive", "resolved"}))
    tests = [
        *_dates(t, query, "onset-date", lambda t, item: _day_span(t, _as(Condition, item).onset)),
        *_dates(t, query, "abatement-date", lambda t, item: _maybe_day(t, _as(Condition, item).abatement)),
        *_dates(t, query, "recorded-date", _recorded_span),
    ]
    for one in query.all("category"):
        tests.append(_tokens(one, lambda item: [(build.SYSTEMS["condition-category"], condition.category_of(item))]))
    for one in query.all("clinical-status"):
        tests.append(_tokens(one, lambda item: [(_CLINICAL, _as(Condition, item).clinical_status)]))
    for one in query.all("code"):
        tests.append(_tokens(one, lambda item: [(c["system"], c["code"]) for c in condition.codings(t, item)]))
    for one in query.all("encounter"):
        wanted = {search.reference(value)[1] for value in one.values}
        tests.append(lambda item, wanted=wanted: _encounter_id(t, item) in wanted)  # type: ignore[misc]
    return tests


def _encounter_id(t: Telling, item: Item) -> str | None:
    """The encounter that a visit diagnosis refers to; a problem refers to none."""
    encounter = condition.encounter_of(item)
    return t.id("Encounter", encounter) if encounter in t.encounters else None


def _recorded_span(t: Telling, item: Item) -> tuple[datetime, datetime]:
    return _day_span(t, condition.recorded_on(t, item))


def _allergy_tests(t: Telling, query: Query) -> list[Test]:
    _refuse_strangers(query, "clinical-status", frozenset({"active"}))
    return []


def _order_tests(t: Telling, query: Query) -> list[Test]:
    _refuse_strangers(query, "category", ORDER_CATEGORIES)
    tests = _dates(t, query, "date", _authored_span)
    for one in query.all("category"):
        tests.append(_tokens(one, lambda item: [(_ORDERED, medication.category_of(t, _as(Medication, item))[0])]))
    for one in query.all("intent"):
        tests.append(_tokens(one, lambda item: [("", _as(Medication, item).intent)]))
    for one in query.all("status"):
        tests.append(_tokens(one, lambda item: [("", _as(Medication, item).status)]))
    return tests


def _authored_span(t: Telling, item: Item) -> tuple[datetime, datetime]:
    one = _as(Medication, item)
    return _day_span(t, t.day(one.authored, one.encounter))


def _observation_tests(t: Telling, query: Query) -> list[Test]:
    if not query.has("category") and not query.has("code"):
        said = "Must have either code or category."
        raise query.refuse(errors.issue("fatal", "required", "59108", said, "code/category"))
    _refuse_strangers(query, "category", OBSERVATION_CATEGORIES)
    tests = [
        *_dates(t, query, "date", _effective_span),
        *_dates(t, query, "issued", lambda t, item: _instant(_as(Observation, item).issued)),
    ]
    for one in query.all("category"):
        tests.append(_tokens(one, lambda item: [(_OBSERVED, _as(Observation, item).category)]))
    for one in query.all("code"):
        tests.append(_tokens(one, lambda item: observation.tokens_of(t, _observed(item))))
    if query.has("based-on") or query.has("focus"):
        tests.append(lambda item: False)  # nothing that is told refers to anything by these
    return tests


def _observed(item: Item) -> tuple[Observation, ...]:
    return tuple(one for one in item if isinstance(one, Observation))


def _effective_span(t: Telling, item: Item) -> tuple[datetime, datetime]:
    one = _as(Observation, item)
    if observation.is_dated_today(t, one):
        return _day_span(t, observation.today(t))
    return _instant(one.effective)


def _immunization_tests(t: Telling, query: Query) -> list[Test]:
    tests = _dates(t, query, "date", lambda t, item: _day_span(t, _as(Immunization, item).day))
    for one in query.all("status"):
        tests.append(_tokens(one, lambda item: [("", _as(Immunization, item).status)]))
    return tests


def _procedure_tests(t: Telling, query: Query) -> list[Test]:
    _refuse_strangers(query, "category", PROCEDURE_CATEGORIES)
    tests = _dates(t, query, "date", _performed_span, by_day=True)
    for one in query.all("category"):
        tests.append(
            _tokens(one, lambda item: [(build.SYSTEMS["snomed"], procedure.category_of(_as(Procedure, item)))])
        )
    return tests


def _performed_span(t: Telling, item: Item) -> tuple[datetime, datetime]:
    """Day precision only (doc: CS)."""
    one = _as(Procedure, item)
    return _day_span(t, t.day(one.start, one.encounter))


def _document_tests(t: Telling, query: Query) -> list[Test]:
    tests = [
        *_dates(t, query, "date", lambda t, item: _instant(_as(Document, item).created)),
        *_dates(t, query, "period", _noted_span, by_day=True),
        *_dates(t, query, "_lastupdated", _changed),
    ]
    for one in query.all("status"):
        tests.append(_tokens(one, lambda item: [("", _as(Document, item).status)]))
    for one in query.all("docstatus"):
        tests.append(_tokens(one, lambda item: [("", _as(Document, item).doc_status)]))
    for one in query.all("type"):
        tests.append(_tokens(one, lambda item: [(build.SYSTEMS["loinc"], _as(Document, item).type.code)]))
    for one in query.all("category"):
        tests.append(_tokens(one, lambda item: [("", document.category_of(_as(Document, item)))]))
    for one in query.all("encounter"):
        wanted = {search.reference(value)[1] for value in one.values}
        tests.append(lambda item, wanted=wanted: _noted_at(t, item) in wanted)  # type: ignore[misc]
    return tests


def _noted_at(t: Telling, item: Item) -> str | None:
    number = _as(Document, item).encounter
    return t.id("Encounter", number) if number in t.encounters else None


def _noted_span(t: Telling, item: Item) -> tuple[datetime, datetime] | None:
    encounter = t.encounters.get(_as(Document, item).encounter)
    return None if encounter is None else _day_span(t, t.day(encounter.start, encounter.ordinal))


def _changed(t: Telling, item: Item) -> tuple[datetime, datetime] | None:
    """When the record last changed: what is told does not say it, and can be asked for (seen). A scan never does."""
    state = t.chart.state(item[0])
    return _instant(_as(Document, item).created if state is None else state.updated)


def _appointment_tests(t: Telling, query: Query) -> list[Test]:
    _refuse_strangers(query, "service-category", SERVICE_CATEGORIES)
    tests = _dates(t, query, "date", lambda t, item: _instant(_as(Appointment, item).start))
    for one in query.all("status"):
        tests.append(_tokens(one, lambda item: [("", _as(Appointment, item).status)]))
    for one in query.all("service-category"):
        tests.append(_tokens(one, lambda item: [("", "appointment")]))
    return tests


def _no_tests(t: Telling, query: Query) -> list[Test]:
    return []


_TESTS: dict[str, Callable[[Telling, Query], list[Test]]] = {
    "Encounter": _encounter_tests,
    "Condition": _condition_tests,
    "AllergyIntolerance": _allergy_tests,
    "MedicationRequest": _order_tests,
    "Observation": _observation_tests,
    "Immunization": _immunization_tests,
    "Procedure": _procedure_tests,
    "DocumentReference": _document_tests,
    "Appointment": _appointment_tests,
    "Coverage": _no_tests,
}


# Tests


def _as(kind: type[Any], item: Item) -> Any:
    """The first record of an item, which is of this kind."""
    assert isinstance(item[0], kind)
    return item[0]


def _tokens(one: Param, of: Callable[[Item], list[tuple[str, str]]]) -> Test:
    """Whether any coding is any of the alternatives; a system before a plain code (`of` gives "" for it) counts for
    nothing."""
    wanted = one.tokens
    codes = {code for system, code in wanted if system is None}
    pairs = {token for token in wanted if token[0] is not None}
    systems = {system for system, code in pairs if code == ""}
    plain = {code for _, code in pairs}

    def test(item: Item) -> bool:
        for system, code in of(item):
            if code in codes or (system, code) in pairs or system in systems or (not system and code in plain):
                return True
        return False

    return test


def _refuse_strangers(query: Query, name: str, known: frozenset[str]) -> None:
    """Refuses a code that the parameter does not take. Source: FS (seen for Observation's `category`; else guess)."""
    for one in query.all(name):
        for _, code in one.tokens:
            if code not in known:
                raise query.refuse(*errors.bad_value(name, code))


Span = Callable[[Telling, Item], "tuple[datetime, datetime] | None"]


def _dates(t: Telling, query: Query, name: str, of: Span, *, by_day: bool = False) -> list[Test]:
    """Whether an item lies where every instance of a date parameter says; no test when there is none. A value without
    zone is the server's local time, whereas answers are in UTC (E36). `by_day`: its time of day counts for nothing."""
    zone = build.zone_of(str(t.site.settings["server_zone"]))
    wanted = []
    for one in query.all(name):
        try:
            ranges = [search.date_range(value.partition("T")[0] if by_day else value, zone) for value in one.values]
        except Refusal:
            raise query.refuse(*errors.bad_value(name, one.value)) from None
        if any(range.prefix not in DATE_PREFIXES for range in ranges):
            raise query.refuse(*errors.bad_value(name, one.value))
        wanted.append(ranges)

    def test(item: Item) -> bool:
        span = of(t, item)
        return span is not None and all(any(_meets(range, *span) for range in ranges) for ranges in wanted)

    return [test] if wanted else []


def _meets(wanted: search.Interval, start: datetime, end: datetime) -> bool:
    """Whether [start, end) and the wanted range meet as the prefix says; `eq` takes any overlap."""
    if wanted.prefix == "eq":
        return start < wanted.hi and wanted.lo < end
    return search.matches_date(wanted, start, end)


def _instant(at: datetime) -> tuple[datetime, datetime]:
    return at, at + timedelta(microseconds=1)


def _day_span(t: Telling, on: date) -> tuple[datetime, datetime]:
    """The day where the server stands."""
    zone = build.zone_of(str(t.site.settings["server_zone"]))
    start = datetime(on.year, on.month, on.day, tzinfo=zone)
    return start.astimezone(UTC), (start + timedelta(days=1)).astimezone(UTC)


def _maybe_day(t: Telling, on: date | None) -> tuple[datetime, datetime] | None:
    return _day_span(t, on) if on is not None else None
