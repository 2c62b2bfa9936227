"""What each kind of document says, section by section."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from simulator.population import tables
from simulator.population.chart.admissions import DIED
from simulator.population.documents import parts
from simulator.population.documents.paper import Paper, Section
from simulator.population.documents.parts import plain_display
from simulator.population.documents.view import View
from simulator.population.records import Condition, Encounter, Procedure

CCDA = "application/xml"
"""The MIME type of the documents that are C-CDA, which are summaries of the chart whatever their kind."""

_WORDS = {row["key"]: (row["story"], row["plan"]) for row in tables.raw("note_words")}
_SEXES = {"F": "female", "M": "male"}
_LEAVING = {
    "home_health": "Discharged home with home health care.",
    "nursing_home": "Discharged to a skilled nursing facility in stable condition.",
    "rehab": "Discharged to inpatient rehabilitation.",
    "hospital": "Transferred to another hospital.",
    "hospice": "Discharged to hospice care.",
    "left": "Left against medical advice.",
    DIED: "Died in hospital.",
}
_REASONS = {
    "office": "office visit",
    "wellness": "routine health visit",
    "followup": "follow-up",
    "checkup": "well child visit",
    "symptom": "new symptom",
    "urgent_care": "urgent care",
    "telehealth": "video visit",
    "telephone": "telephone visit",
    "emergency": "emergency",
    "observation": "observation stay",
    "inpatient": "hospital admission",
    "prenatal": "prenatal visit",
    "home_visit": "home visit",
    "psych": "behavioral health visit",
    "surgical": "surgery",
}
_MAY_NOT_BE_PASSED_ON = (
    "42 CFR part 2 prohibits unauthorized use or disclosure of these records.",
    "Psychotherapy notes: kept apart from the rest of the record (45 CFR 164.501).",
)


def paper_of(view: View) -> Paper:
    """The document before it has a format."""
    document, facility, author, person = view.document, view.facility, view.author, view.person
    address = facility.address
    facts = [
        ("Patient", view.name()),
        ("Date of birth", f"{person.birth_date:%m/%d/%Y} ({_age(view)}, {_SEXES[person.sex]})"),
    ]
    if view.encounter is not None:
        facts.append(("Visit", f"{view.clock(view.encounter.start)}, {_REASONS[view.encounter.type_key]}"))
    facts.append(("Author", f"{author.given} {author.family}, {author.suffix}"))
    facts.append(("Signed", view.clock(document.created)))
    told = summary(view) if document.mime == CCDA else _SECTIONS[document.key](view)
    sections = [section for section in told if section is not None]
    if document.amended is not None:
        when = view.clock(document.amended)
        sections.append(Section("Addendum", (f"{when}: read again and found correct. No change of the plan.",)))
    return Paper(
        letterhead=(
            facility.name,
            f"{', '.join(address.lines)}, {address.city}, {address.state} {address.zip}",
            f"Phone {_phone(facility.phone)}",
        ),
        title=document.text,
        facts=tuple(facts),
        sections=tuple(sections),
        closing=(f"Electronically signed by {author.given} {author.family}, {author.suffix}.", *_warnings(view)),
    )


def _warnings(view: View) -> Iterable[str]:
    if "PART2" in view.document.sensitivity:
        yield _MAY_NOT_BE_PASSED_ON[0]
    if "PSYNOTE" in view.document.sensitivity:
        yield _MAY_NOT_BE_PASSED_ON[1]


def _phone(value: str) -> str:
    return f"({value[2:5]}) {value[5:8]}-{value[8:]}"


def _age(view: View) -> str:
    years = view.age()
    if years >= 2:
        return f"{years} years"
    months = _months(view)
    return f"{months} month{'' if months == 1 else 's'}"


def _months(view: View) -> int:
    return (view.today - view.person.birth_date).days * 100 // 3044


# Sentences


def _story(view: View) -> Section:
    """Why the patient came and what was said."""
    encounter, reason = view.encounter, view.reason
    who = _who(view)
    what = _REASONS[encounter.type_key] if encounter is not None else "visit"
    if reason is None:
        lines = [f"{who}, seen for {_with_article(what)}."]
        if view.document.key in ("progress", "hp"):
            lines.append("No new complaints.")
        return Section("History", tuple(lines))
    lines = [f"{who}, seen for {reason.text} ({what})."]
    weeks = parts.gestation(view)
    if reason.key == "pregnancy" and weeks is not None:
        lines.append(f"Gestational age {weeks}.")
    lines.append(_WORDS[reason.key][0])
    return Section("History", tuple(lines))


def _who(view: View) -> str:
    years = view.age()
    words = ("girl", "boy") if years < 18 else ("woman", "man")
    age = f"{years}-year-old" if years >= 2 else f"{_months(view)}-month-old"
    return f"{age} {words[view.person.sex == 'M']}"


def _with_article(words: str) -> str:
    return f"an {words}" if words[0] in "aeio" else f"a {words}"


def _assessment(view: View) -> Section:
    """A numbered assessment with the plan: the reason first, then the standing problems that the visit is about."""
    about: list[Condition] = [] if view.reason is None else [view.reason]
    if view.encounter is None or view.encounter.type_key not in ("symptom", "urgent_care", "telephone", "emergency"):
        about.extend(one for one in view.problems if one is not view.reason and one.category == "problem-list-item")
    lines = [f"{place}. {one.text}: {_plan(view, one)}" for place, one in enumerate(about[:6], 1)]
    if not lines:
        lines = ["Well on examination. Screening and vaccines by age."]
    return Section("Assessment and plan", tuple(lines))


def _plan(view: View, one: Condition) -> str:
    plan = _WORDS[one.key][1]
    if one.key == "pregnancy" and any(done.key == "delivery" for done in view.here(view.procedures)):
        return "Delivered. Postpartum visit in 6 weeks."
    started = [med.text for med in view.here(view.medications) if med.reason == one.ordinal]
    taken = [med.text for med in view.medications if med.reason == one.ordinal and med.text not in started]
    if started:
        plan = f"Started {', '.join(started)}. {plan}"
    elif taken:
        plan = f"On {', '.join(taken)}. {plan}"
    return plan


# Kinds


def _progress(view: View) -> Iterable[Section | None]:
    return (
        _story(view),
        parts.allergies(view),
        parts.problems(view),
        parts.medications(view),
        parts.vital_signs(view),
        parts.results(view),
        parts.procedures(view),
        parts.immunizations(view),
        _assessment(view),
    )


def _discharge(view: View) -> Iterable[Section | None]:
    encounter, has_died = view.encounter, _has_died(view)
    stay = []
    if encounter is not None and encounter.end is not None:
        how = "died" if has_died else "discharged"
        stay = [f"Admitted {view.clock(encounter.start)}, {how} {view.clock(encounter.end)}."]
    course = "Course without complications." if view.reason is None else _WORDS[view.reason.key][0]
    delivery = next((one for one in view.here(view.procedures) if one.key == "delivery"), None)
    if delivery is not None:
        course = f"{_delivery(view, delivery)} Mother and infant well."
    return (
        Section("Hospital stay", tuple(stay)),
        Section("Discharge diagnosis", (view.reason.text if view.reason is not None else "Observation only.",)),
        Section("Hospital course", (course, _leaving(encounter))),
        parts.procedures(view),
        parts.vital_signs(view),
        parts.results(view, "Results during the stay"),
        parts.allergies(view),
        parts.medications(view, "Medications" if has_died else "Discharge medications"),
        None if has_died else _assessment(view),
    )


def _has_died(view: View) -> bool:
    """Whether the patient died at the encounter."""
    return view.encounter is not None and view.encounter.disposition == DIED


def _leaving(encounter: Encounter | None) -> str:
    goes = encounter.disposition if encounter is not None else None
    return _LEAVING.get(goes or "home", "Discharged home in stable condition.")


def _emergency(view: View) -> Iterable[Section | None]:
    return (
        _story(view),
        parts.allergies(view),
        parts.medications(view, "Home medications"),
        parts.vital_signs(view),
        parts.results(view),
        parts.procedures(view),
        Section("Outcome", ("Died in the emergency department.",)) if _has_died(view) else _assessment(view),
    )


def _procedure_note(view: View) -> Iterable[Section | None]:
    about = _about(view)
    if about is None:
        return
    reason = _reason_of(view, about)
    yield Section("Procedure", (plain_display(about.text),))
    yield Section("Indication", (reason.text if reason is not None else "Screening.",))
    yield Section("Time", (f"{view.clock(about.start)} to {view.clock(about.end)}",))
    if about.key == "delivery":
        yield Section("Delivery", (_delivery(view, about),))
    yield Section("Course", ("Tolerated well. No complications.",))


def _delivery(view: View, about: Procedure) -> str:
    weeks = parts.gestation(view, about.start.astimezone(view.zone).date())
    return f"Vaginal delivery of a live infant{'' if weeks is None else f' at {weeks}'}."


def _imaging(view: View) -> Iterable[Section | None]:
    about = _about(view)
    if about is None:
        return
    reason = _reason_of(view, about)
    yield Section("Examination", (f"{plain_display(about.text)}, {view.clock(about.start)}",))
    yield Section("Indication", (reason.text if reason is not None else "Screening.",))
    weeks = parts.gestation(view, about.start.astimezone(view.zone).date()) if about.key == "prenatal_us" else None
    if weeks is not None:
        yield Section("Findings", (f"Single live intrauterine pregnancy, {weeks} by dates. Heart action seen.",))
        yield Section("Impression", ("Viable pregnancy, size consistent with dates.",))
    elif reason is None:
        yield Section("Findings", ("No suspicious finding.",))
        yield Section("Impression", ("Normal screening examination.",))
    else:
        yield Section("Findings", (f"Findings in keeping with {reason.text}. No other acute finding.",))
        yield Section("Impression", (f"{reason.text}.",))


def _laboratory(view: View) -> Iterable[Section | None]:
    found = [one for one in view.measured if one.category == "laboratory"]
    yield Section("Results", table=parts.results_table(view, found)) if found else Section("Results", ("None.",))


def _pathology(view: View) -> Iterable[Section | None]:
    about = _about(view)
    reason = None if about is None else _reason_of(view, about)
    if about is not None:
        yield Section("Specimen", (f"From {plain_display(about.text).lower()}, {view.day(about.start)}",))
    yield Section("Diagnosis", (f"Tissue in keeping with {reason.text}." if reason else "No evidence of malignancy.",))


def _letter(view: View) -> Iterable[Section | None]:
    problem = view.reason.text if view.reason is not None else "a routine question"
    yield Section("", (f"Dear colleague: thank you for seeing {view.name()}, {_age(view)}, for {problem}.",))
    yield parts.problems(view)
    yield parts.medications(view)
    yield parts.allergies(view)
    yield parts.vital_signs(view)
    yield Section("", ("Please send a report when you have seen the patient.",))


def summary(view: View) -> Iterable[Section | None]:
    """The chart of the last year, for documents that carry structured entries beside the words."""
    if view.document.key == "referral":
        problem = view.reason.text if view.reason is not None else "a routine question"
        yield Section("Reason for referral", (f"{_who(view)}: {problem}.",))
    yield parts.allergies(view)
    yield parts.medications(view)
    yield parts.problems(view)
    yield parts.recent_results(view)
    yield parts.recent_vital_signs(view)
    yield parts.all_immunizations(view)
    yield parts.recent_procedures(view)
    yield parts.recent_encounters(view)


def _psychotherapy(view: View) -> Iterable[Section | None]:
    done = view.here(view.procedures)
    yield Section("Session", tuple(plain_display(one.text) for one in done if one.key == "psychotherapy"))
    yield Section("Diagnosis", (view.reason.text if view.reason is not None else "Deferred.",))
    yield Section("Notes of the session", ("Content of the conversation, analyzed. Kept by the author.",))


def _about(view: View) -> Procedure | None:
    """The procedure that a report is about."""
    wanted = tables.DOCUMENTS[view.document.key].procedures
    return next((one for one in view.here(view.procedures) if one.key in wanted), None)


def _reason_of(view: View, about: Procedure) -> Condition | None:
    return next((one for one in view.conditions if one.ordinal == about.reason), None)


_SECTIONS: dict[str, Callable[[View], Iterable[Section | None]]] = {
    "progress": _progress,
    "consult": _progress,
    "hp": _progress,
    "discharge": _discharge,
    "ed_note": _emergency,
    "procedure_note": _procedure_note,
    "imaging": _imaging,
    "lab_report": _laboratory,
    "pathology": _pathology,
    "referral": _letter,
    "ccd": summary,
    "psychotherapy": _psychotherapy,
}
