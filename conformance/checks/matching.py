"""Who is meant: filters that are not believed, and people who are not mistaken for each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.check import Mark, check, exercised, fail, many, untested, warn
from conformance.evidence import Call, Case, Evidence, Exchange
from conformance.lookalikes import LOOKALIKES, number_of
from simulator.source import Source

R4_ERRORS = "https://hl7.org/fhir/R4/search.html#errors"
IGNORED, FOREIGN, LOOK_ALIKES = "s44-ignored-birth-date", "s44-foreign-entries", "s43-look-alikes"


@check(
    "PAGE-10",
    area="pagination",
    severity="critical",
    level=1,
    scenarios=(IGNORED, FOREIGN),
    source=(
        Source(f"{R4_ERRORS}: servers may ignore parameters that they do not know", "doc"),
        Source("Epic ignores a parameter beside `_id`, and one that is misspelt", "seen"),
    ),
    mutants=("trust_server_filter",),
    needs="read",
)
def what_was_not_asked_for_is_left_out(e: Evidence) -> Iterator[Mark]:
    """what was not asked for is left out

    Holds when people of another birth date than the one that was searched for, and records of another patient than the
    one who was asked for, do not get through, although the server gives them; and when that is reported: an error, or
    `dropped`. To leave them out without a word is a warning.

    Servers drop filters in silence. Who believes them puts one patient's records into the chart of another.
    """
    met: list[Exchange] = []
    for case in e.of(IGNORED, FOREIGN):
        for call in case.runs:
            unfiltered = [x for x in case.during(call) if _is_unfiltered(x)]
            if call.action == "search":  # what comes back is one person's record, or that of others, too
                unfiltered = [x for x in unfiltered if len(x.served) > 1]
            if unfiltered:
                met += unfiltered[:1]
                yield from _let_through(case, call, unfiltered)
    if met:
        yield exercised(f"{many(len(met), 'answer')} held what was not asked for, and none of it got through", met)
    yield untested("no answer held what was not asked for")


def _fault_of(x: Exchange) -> dict[str, Any]:
    return dict(x.data.get("fault") or {})


def _is_unfiltered(x: Exchange) -> bool:
    fault = _fault_of(x)
    if x.status != 200 or "spared" in fault:
        return False
    return x.fault == "ignore_parameter" or (x.fault == "foreign_entries" and bool(fault.get("foreign")))


def _let_through(case: Case, call: Call, unfiltered: list[Exchange]) -> Iterator[Mark]:
    asked = str((call.args.get("params") or {}).get("birth_date") or "")
    strangers = [born for _, born in call.people if asked and born != asked]
    place = case.calls.index(call)
    extras = [
        one for one in case.score.get("extras") or () if one["call"] == place and one["verdict"] == "wrong-patient"
    ]
    if strangers:
        yield fail(
            "other_birth_date",
            f"{many(len(strangers), 'patient')} of another birth date than the one that was searched for",
            at=unfiltered[:1],
            expected="those born on that day",
            got=f"{len(strangers)} of {len(call.people)} born on another",
            fix="compare what comes back with what was asked for",
        )
    if extras:
        yield fail(
            "foreign_records",
            f"{many(len(extras), 'record')} of another patient, who was not asked for",
            at=unfiltered[:1],
            expected="records of the patient who was asked for",
            got=f"{extras[0]['kind']} {extras[0]['source'].get('type')}/{extras[0]['source'].get('id')}",
            fix="compare the subject of every record with the patient who was asked for",
        )
    if not strangers and not extras and not call.errors and not call.dropped and not call.problem:
        yield warn(
            "unreported",
            "what was not asked for was left out, and nobody hears of it",
            at=unfiltered[:1],
            expected="an error of class `invalid_response`, or `dropped` with the reason `filtered`",
            got=f"status {call.status}",
        )


@check(
    "NORM-17",
    area="normalization",
    severity="critical",
    level=1,
    scenarios=(LOOK_ALIKES,),
    source=(
        Source("https://open.epic.com Patient.Search: names that sound alike, aliases and nicknames are hits", "doc"),
        Source("https://hl7.org/fhir/R4/patient-operation-match.html", "doc"),
    ),
    mutants=("first_hit_wins", "match_by_name_only", "create_on_zero_hits", "mrn_without_system"),
    needs="match",
)
def people_are_not_mistaken_for_each_other(e: Evidence) -> Iterator[Mark]:
    """people are not mistaken for each other

    Holds when somebody who is described by name and birth date, and perhaps a record number, is found as the one who is
    meant, or nobody is, or several are for a person to choose from; and when nobody is created. Whom nobody resembles
    must be found. Several records, or an error of class `conflict`, leave the choice to a person. A record number comes
    with its system (`mrn_system`): the same number is somebody else's in another house, and told beside.

    A chart that is opened for the wrong one of two, and a second chart for one, are found when it is too late.
    """
    asked = right = 0
    for case in e.of(LOOK_ALIKES):
        for call in case.runs:
            if call.who not in LOOKALIKES:
                continue
            if call.status == "unsupported" or call.problem:
                yield untested(f"`match` is declared, and answered with {call.problem or call.status}")
                continue
            asked += 1
            yield from _mistaken(case, call)
            right += _found(call) == _meant(call) != ""
    if asked and right:
        yield exercised(f"{many(asked, 'description')}, {right} found, nobody mistaken and nobody created")
    yield untested("nobody was looked for by name and birth date")


def _found(call: Call) -> str:
    """The number of the one patient that a call gave; empty when it gave none, several, or asks a person."""
    people = {number for number, _ in call.people}
    return people.pop() if len(people) == 1 and "conflict" not in call.classes else ""


def _meant(call: Call) -> str:
    role = LOOKALIKES[call.who].meant
    return str(number_of(role)) if role else ""


def _mistaken(case: Case, call: Call) -> Iterator[Mark]:
    one = LOOKALIKES[call.who]
    found, meant = _found(call), _meant(call)
    seen = [x for x in case.during(call) if x.is_data]
    if found and found != meant:
        yield fail(
            f"mistaken_{call.who}",
            f"somebody else was taken for a patient who {one.says}",
            at=seen[:2],
            case=case.id,
            expected="the one who is meant, nobody, or a choice" if meant else "nobody, or a choice for a person",
            got=f"patient {found}",
            fix="compare names and birth date as they are, and leave it to a person when more than one fits",
        )
    if one.must and found != meant:
        yield fail(
            f"missed_{call.who}",
            f"nobody was found for a patient who {one.says}",
            at=seen[:2],
            case=case.id,
            expected=f"patient {meant}",
            got=f"status {call.status}, {many(len(call.people), 'record')}",
        )
    for x in seen:
        if x.method == "POST" and x.path.rstrip("/").endswith(("/Patient", "/patients")):
            yield fail(
                "created",
                "a patient was created because nobody was found",
                at=[x],
                expected="no second chart",
                got=f"POST {x.path}",
                fix="leave the registration to the vendor, or to a person",
            )
            break
