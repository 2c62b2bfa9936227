"""The sections that documents have in common, each from the structured records of the chart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from simulator.population import tables
from simulator.population.chart.growth import grown
from simulator.population.documents.paper import Section, Table
from simulator.population.documents.view import View
from simulator.population.records import Allergy, Condition, Encounter, Medication, Observation

_YEAR = 365  # days that are recent

_FLAGS = {"N": "", "L": "low", "H": "HIGH", "LL": "CRITICAL LOW", "HH": "CRITICAL HIGH", "A": "abnormal"}
_UNITS = {"mm[Hg]": "mmHg", "Cel": "°C", "kg/m2": "kg/m²", "/min": "/min", "10*3/uL": "x10³/µL", "10*6/uL": "x10⁶/µL"}
_PERCENTILES = ((-1.645, "below the 5th"), (-0.674, "5th to 25th"), (0.0, "25th to 50th"), (0.674, "50th to 75th"),
                (1.645, "75th to 95th"))  # fmt: skip
_MONTH = 30.4375


def problems(view: View) -> Section:
    """The problem list."""
    lines = tuple(_problem(view, one) for one in view.problems)
    return Section("Problem list", lines or ("No active problems on record.",), is_list=True)


def _problem(view: View, one: Condition) -> str:
    code = next((code.code for code in one.codes if code.system == "icd10cm"), "")
    return f"{one.text} ({code}), since {one.onset:%m/%Y}"


def medications(view: View, heading: str = "Medications") -> Section:
    """What the patient takes."""
    lines = tuple(_medication(view, one) for one in view.medications)
    return Section(heading, lines or ("None.",), is_list=True)


def _medication(view: View, one: Medication) -> str:
    return f"{one.text}: {one.dosage.text} (since {view.day(one.start)})"


def allergies(view: View) -> Section:
    """Allergies, the statement that there are none, or that nobody asked."""
    lines = tuple(_allergy(one) for one in view.allergies)
    return Section("Allergies", lines or ("Not on record.",), is_list=True)


def _allergy(one: Allergy) -> str:
    if one.none_known:
        return "No known allergies."
    reactions = ", ".join(plain_display(code.display).lower() for code in one.reactions)
    return f"{one.text} ({one.type})" + (f": {reactions}" if reactions else "") + f"; criticality {one.criticality}"


def vital_signs(view: View) -> Section | None:
    """The vital signs of the encounter, the last of each; of children with their place on the growth charts."""
    last: dict[str, Observation] = {}
    for one in view.measured:
        if one.category == "vital-signs":
            last[one.key] = one
    if not last:
        return None
    lines = []
    if "sbp" in last and "dbp" in last:
        lines.append(f"Blood pressure {last['sbp'].value}/{last['dbp'].value} mmHg")
    lines.extend(
        f"{one.text} {value_of(one)}{_percentile(view, one)}" for key, one in last.items() if key not in ("sbp", "dbp")
    )
    return Section("Vital signs", tuple(lines), is_list=True)


def _percentile(view: View, one: Observation) -> str:
    months = (one.effective.astimezone(view.zone).date() - view.person.birth_date).days / _MONTH
    key = (one.key, view.person.sex)
    if key not in tables.CURVES or months > tables.CURVES[key].months[-1] or one.value is None:
        return ""
    for score, words in _PERCENTILES:
        if float(one.value) < grown(*key, months, score):
            return f" ({words} percentile)"
    return " (above the 95th percentile)"


def results(view: View, heading: str = "Results") -> Section | None:
    """The laboratory results and scores of the encounter that were there when the document was written."""
    found = [one for one in view.measured if one.category in ("laboratory", "survey")]
    if not found:
        return None
    return Section(heading, table=results_table(view, found))


def results_table(view: View, found: Iterable[Observation]) -> Table:
    """Results with units, flags and reference ranges."""
    rows = tuple(
        (
            one.text,
            value_of(one) + (" (preliminary)" if one.status == "preliminary" else ""),
            _FLAGS.get(one.interpretation or "", ""),
            range_of(one),
            view.day(one.effective),
        )
        for one in found
    )
    return Table(("Test", "Result", "Flag", "Reference range", "Collected"), rows)


def value_of(one: Observation) -> str:
    """A value with its unit, as a laboratory prints it."""
    if one.value is not None:
        unit = one.unit or ""
        shown = _UNITS.get(unit, "" if unit.startswith("{") and "/" not in unit else unit)
        return f"{one.comparator or ''}{one.value:f} {shown}".rstrip()
    if one.coded is not None:
        return plain_display(one.coded.display)
    return one.value_text or ""


def range_of(one: Observation) -> str:
    """A reference range in words; empty when there is none."""
    if one.low is not None and one.high is not None:
        return f"{one.low}-{one.high}"
    if one.high is not None:
        return f"<={one.high}"
    return f">={one.low}" if one.low is not None else ""


def immunizations(view: View) -> Section | None:
    """Doses given at the encounter."""
    given = view.here(view.immunizations)
    lines = tuple(one.text + (f", lot {one.lot}" if one.lot else "") for one in given)
    return Section("Immunizations given", lines, is_list=True) if lines else None


def procedures(view: View) -> Section | None:
    """What was done at the encounter."""
    done = [one for one in view.here(view.procedures) if one.key not in ("physical_exam", "med_rec")]
    lines = tuple(f"{plain_display(one.text)} ({view.clock(one.start)})" for one in done)
    return Section("Procedures", lines, is_list=True) if lines else None


def recent(view: View, category: str) -> tuple[Observation, ...]:
    """What was measured in the last year, newest first."""
    since = datetime.combine(view.today - timedelta(days=_YEAR + 2), time(), UTC)  # before that no calendar is needed
    found = [
        one
        for one in view.observations
        if one.effective > since
        and one.category == category
        and (view.today - one.effective.astimezone(view.zone).date()).days <= _YEAR
    ]
    return tuple(sorted(found, key=lambda one: (one.effective, -one.ordinal), reverse=True))


def recent_results(view: View) -> Section:
    """The laboratory results of the last year."""
    found = recent(view, "laboratory")
    table = results_table(view, found) if found else None
    return Section("Results", () if found else ("None in the last year.",), table=table)


def recent_vital_signs(view: View) -> Section:
    """The vital signs of the last year."""
    found = recent(view, "vital-signs")
    rows = tuple((one.text, value_of(one), view.clock(one.effective)) for one in found)
    table = Table(("Vital sign", "Value", "Taken"), rows) if rows else None
    return Section("Vital signs", () if found else ("None in the last year.",), table=table)


def all_immunizations(view: View) -> Section:
    """Every dose on record."""
    lines = tuple(f"{one.text}, {view.day(one.day)}" for one in view.immunizations)
    return Section("Immunizations", lines or ("None on record.",), is_list=True)


def recent_procedures(view: View) -> Section:
    """What was done in the last year."""
    found = [one for one in view.procedures if (view.today - one.start.astimezone(view.zone).date()).days <= _YEAR]
    lines = tuple(f"{plain_display(one.text)}, {view.day(one.start)}" for one in found)
    return Section("Procedures", lines or ("None in the last year.",), is_list=True)


def recent_encounters(view: View) -> Section:
    """The encounters of the last year."""
    lines = tuple(_encounter(view, one) for one in encounters_of_year(view))
    return Section("Encounters", lines or ("None in the last year.",), is_list=True)


def _encounter(view: View, one: Encounter) -> str:
    goes = "" if one.disposition is None else f"; disposition: {tables.DISPOSITIONS[one.disposition].text}"
    return f"{plain_display(one.type.display)}, {view.day(one.start)}{goes}"


def encounters_of_year(view: View) -> tuple[Encounter, ...]:
    """The encounters of the last year, oldest first."""
    return tuple(one for one in view.encounters if (view.today - one.start.astimezone(view.zone).date()).days <= _YEAR)


def gestation(view: View, at: date | None = None) -> str | None:
    """Completed weeks of a pregnancy that is on at the encounter, counted from its onset."""
    day = at or view.today
    for one in view.conditions:
        if one.key == "pregnancy" and one.onset <= day and (one.abatement is None or day <= one.abatement):
            weeks, days = divmod((day - one.onset).days, 7)
            return f"{weeks} weeks {days} days"
    return None


def plain_display(display: str) -> str:
    """A SNOMED CT name without the tag in brackets at its end."""
    return display.rsplit(" (", 1)[0] if display.endswith(")") else display
