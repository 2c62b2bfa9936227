"""Normalization: whether the output says what is so, field by field."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from conformance.check import Mark, check, exercised, fail, many, untested, warn
from conformance.evidence import Case, Data, Evidence
from conformance.scores import ErrorClass, Score, category_of, percent, scores_of
from simulator.source import Source

POPULATION = Source("the population is the truth, and every vendor's losses are recorded", "doc")
R4_QUANTITY = Source("https://hl7.org/fhir/R4/datatypes.html#Quantity", "doc")
GOLDEN = "s14-golden-records"
_NOT_CARRIED = "not carried"
_CLINICAL = ("condition", "medication", "allergy", "immunization", "encounter")


@check(
    "NORM-01",
    area="normalization",
    severity="critical",
    level=1,
    scenarios=(GOLDEN,),
    source=(POPULATION, Source("https://hl7.org/fhir/R4/patient.html", "doc")),
    mutants=("swap_family_given", "drop_suffix", "gender_from_wrong_field"),
    needs="read",
)
def demographics_are_right(e: Evidence) -> Iterator[Mark]:
    """demographics equal the truth

    Holds when name, birth date, sex, identifiers, contact points, addresses and death of every patient are right.

    The base promise: everything else hangs on knowing whom it is about.
    """
    yield from mismatches(e, ("patient",), lambda field: True, minor_counts=True)
    yield from absent(e, ("patient",))
    yield from seen(e, ("patient",), "patients")


@check(
    "NORM-05",
    area="normalization",
    severity="critical",
    level=1,
    scenarios=(GOLDEN,),
    source=(POPULATION, Source("https://hl7.org/fhir/R4/observation-definitions.html#Observation.value_x_", "doc")),
    mutants=("only_value_quantity", "drop_components"),
    needs="read",
)
def every_form_of_value_arrives(e: Evidence) -> Iterator[Mark]:
    """every form of value arrives

    Holds when results with a number, a code, words or components (blood pressure) are all in the output, value
    included.

    Clients are written against one lab and lose the others in silence.
    """
    forms: dict[str, int] = defaultdict(int)
    lost: dict[str, list[tuple[Case, Data]]] = defaultdict(list)
    for case, fact in facts(e, ("observation",)):
        form = _form(fact)
        forms[form] += 1
        emptied = any(one["field"] == "value" and one["got"] is None for one in fact["mismatches"])
        call = case.calls[fact["call"]]
        if (not fact["found"] or emptied) and not call.admits("observation") and not _excused(call.answer, fact):
            lost[form].append((case, fact))
    for form, those in lost.items():
        case, fact = those[0]
        yield fail(
            f"lost_{form}",
            f"{len(those)} of {forms[form]} results {_FORMS[form]} are missing",
            at=case.serving(fact["source"])[:1],
            case=case.id,
            expected=f"{where(fact)} with its value",
            got="no value",
            fix="read every form that Observation.value may take, and components",
        )
    if forms:
        yield exercised("results " + ", ".join(f"{_FORMS[form]} ({count})" for form, count in sorted(forms.items())))
    yield untested("no result was served")


_FORMS = {
    "number": "with a number",
    "coded": "with a code",
    "text": "in words",
    "component": "told as components",
    "none": "without a value",
}


def _form(fact: Data) -> str:
    if fact["source"].get("part"):
        return "component"
    value = (fact.get("expected") or {}).get("value") or {}
    return next((name for name in ("number", "coded", "text") if value.get(name) is not None), "none")


def _excused(answer: Data, fact: Data) -> bool:
    return any(
        one.get("reason") == "unsupported_value" and one.get("kind") == fact["kind"]
        for one in answer.get("dropped") or ()
    )


@check(
    "NORM-06",
    area="normalization",
    severity="critical",
    level=1,
    scenarios=(GOLDEN,),
    source=(
        POPULATION,
        R4_QUANTITY,
        Source("https://hl7.org/fhir/R4/datatypes.html#decimal: digits are significant", "doc"),
    ),
    mutants=("float_roundtrip", "drop_comparator", "unit_from_display"),
    needs="read",
)
def quantities_are_exact(e: Evidence) -> Iterator[Mark]:
    """quantities are exact

    Holds when number, digits (7.10 stays 7.10), unit and comparator of every result are those of the truth, or a
    conversion of them.

    A lost `<`, a factor of 2.2 or a missing zero is a dosing error.
    """
    yield from mismatches(e, ("observation",), lambda field: field.startswith("value"), minor_counts=True)
    count = sum(1 for _, fact in facts(e, ("observation",)) if fact["found"] and _is_number(fact))
    if count:
        yield exercised(f"{count} numbers with unit and comparator")
    yield untested("no number was put out")


def _is_number(fact: Data) -> bool:
    return bool(((fact.get("expected") or {}).get("value") or {}).get("number"))


@check(
    "NORM-09",
    area="normalization",
    severity="critical",
    level=1,
    scenarios=(GOLDEN,),
    source=(POPULATION, Source("https://github.com/drajer-health/eCRNow/issues/577", "seen")),
    mutants=("default_active",),
    needs="read",
)
def status_is_not_guessed(e: Evidence) -> Iterator[Mark]:
    """status is not guessed

    Holds when the status of conditions, medications, allergies, immunizations and encounters is that of the truth: what
    has ended is not active, what is not told is not made up.

    A resolved disease or a stopped drug that is shown as current is treated again.
    """
    fields = ("status", "clinicalStatus", "verification", "abatement", "stop")
    yield from mismatches(e, _CLINICAL, lambda field: field in fields)
    yield from absent(e, ("condition", "medication", "immunization", "encounter"))
    yield from seen(e, _CLINICAL, "statuses")


@check(
    "NORM-10",
    area="normalization",
    severity="critical",
    level=1,
    scenarios=(GOLDEN,),
    source=(POPULATION, Source("recorded Epic answers: AllergyIntolerance that says not on file", "seen")),
    mutants=("nka_as_allergy", "not_asked_as_none"),
    needs="read",
)
def absence_keeps_its_meaning(e: Evidence) -> Iterator[Mark]:
    """none known and nothing known stay distinct

    Holds when the statement that there are none comes out as such, a listed allergy comes out as one, and an empty list
    stays empty.

    The three look alike on a screen, and mean different things before an injection.
    """
    stated = silent = 0
    for _, fact in facts(e, ("allergy",)):
        if (fact.get("expected") or {}).get("assertion") == "none-known":
            stated += 1
    for case in e.of("S14"):
        for call in case.runs:
            if "allergy" in call.asked_kinds and not call.problem:
                silent += not any(case.calls[fact["call"]] is call for fact in case.scores("allergy"))
        for extra in case.score.get("extras") or ():
            if extra["kind"] == "allergy":
                said = f"an allergy record ({extra.get('assertion') or 'no assertion'}) that {extra['says']}"
                yield fail(
                    "invented",
                    "the output holds " + said,
                    case=case.id,
                    expected="only what the vendor told",
                    got=said,
                    fix="an empty list says nothing; do not turn it into a statement",
                )
    yield from mismatches(e, ("allergy",), lambda field: field in ("assertion", "codes"))
    yield from absent(e, ("allergy",))
    if stated and silent:
        yield exercised(f"{stated} patients without allergies by statement, {silent} of whom nothing is said")
    yield untested("not both were seen: a statement that there are none, and a patient of whom nothing is said")


@check(
    "NORM-14",
    area="normalization",
    severity="critical",
    level=2,
    scenarios=("S16",),
    source=(POPULATION, Source("https://hl7.org/fhir/R4/patient-definitions.html#Patient.link", "doc")),
    mutants=("ignore_patient_link", "homonyms_merged"),
    needs="read",
)
def a_merge_is_followed(e: Evidence) -> Iterator[Mark]:
    """who was merged is read as the survivor

    Holds when a patient who is asked for by an id that was merged away is put out as the survivor, whose chart holds
    the records of both, and when two people of one name and birth date stay two.

    After a merge the old id is dead: an integration that keeps it has two charts of one person, or none. And who joins
    people by name and birth date alone puts one man's allergies into another man's chart.
    """
    for case in e.of("S16"):
        for fact in case.score.get("facts") or ():
            yield from _left_behind(case, fact)
        for ids in (case.score.get("grouping") or {}).get("false_merges") or ():
            yield fail(
                "homonyms_merged",
                "two people of one name and birth date are held as one",
                case=case.id,
                expected="two patients, and a person who decides",
                got=f"patients {', '.join(map(str, ids))} as one",
                fix="never link by name and birth date alone",
            )
        if any(fact["found"] for fact in case.scores("patient")):
            yield exercised("a merged patient and a pair of homonyms")
    yield untested("no merged patient was read")


def _left_behind(case: Case, fact: Data) -> Iterator[Mark]:
    """What of a survivor is not put out, or stands under the dead id."""
    call = case.calls[fact["call"]]
    if not fact["found"] and (call.action == "read_patient" or (call.action == "read" and not fact["admitted"])):
        yield fail(
            f"not_followed_{fact['kind']}",
            f"{fact['kind']} of a merged patient is not put out",
            at=case.during(call)[:2],
            case=case.id,
            expected=where(fact),
            got="nothing",
            fix="follow `link` of type replaced-by, or the redirect, to the survivor",
        )
    for one in fact["mismatches"]:
        if one["field"] == "patient.id":
            yield fail(
                "dead_id",
                "a record is kept under an id that was merged away",
                at=case.serving(fact["source"])[:1],
                case=case.id,
                expected=text(one["expected"]),
                got=text(one["got"]),
                fix="keep what is read under the id of the survivor",
            )


@check(
    "NORM-15",
    area="normalization",
    severity="high",
    level=1,
    scenarios=(GOLDEN,),
    source=(Source("one population in every dialect makes this decidable", "doc"),),
    mutants=("vendor_branch_bug_athena_dates", "vendor_branch_bug_oracle_sex"),
    needs="read",
    spans_vendors=True,
)
def vendors_agree(e: Evidence) -> Iterator[Mark]:
    """a person reads the same from every vendor

    Holds when a field that is right from one vendor is right from the others, apart from what a vendor does not tell.

    A mistake in one vendor's branch of the code shows up as two records of one person that differ.
    """
    by_fact: dict[tuple[str, str], dict[str, tuple[Case, Data]]] = defaultdict(dict)
    for case, fact in facts(e, ()):
        if fact["found"]:
            by_fact[fact["patient"], fact["fact"]][case.vendor] = (case, fact)
    shared = {key: those for key, those in by_fact.items() if len(those) > 1}
    wrong: dict[tuple[str, str, str], list[tuple[Case, Data, Data, str]]] = defaultdict(list)
    for those in shared.values():
        for vendor, (case, fact) in those.items():
            for one in fact["mismatches"]:
                if one["hint"] == _NOT_CARRIED:
                    continue
                other = _right_elsewhere(one["field"], vendor, those)
                if other:
                    wrong[vendor, fact["kind"], one["field"]].append((case, fact, one, other))
    for (vendor, kind, field), found in sorted(wrong.items()):
        case, fact, one, other = found[0]
        yield fail(
            f"differs_{vendor}_{field}",
            f"{field} of {len(found)} {kind} records is wrong from {vendor} and right from {other}",
            at=case.serving(fact["source"])[:1],
            case=case.id,
            expected=text(one["expected"]),
            got=f"{text(one['got'])} ({where(fact)})",
            fix=f"look at what is special for {vendor}",
        )
    if shared:
        yield exercised(f"{len(shared)} facts compared between {len({case.vendor for case in e.cases})} vendors")
    yield untested("no fact was read from two vendors")


def _right_elsewhere(field: str, vendor: str, those: dict[str, tuple[Case, Data]]) -> str:
    """A vendor that told the field and whose record has it right."""
    for other, (_, fact) in those.items():
        wrong = {one["field"] for one in fact["mismatches"]}
        told = not any(field == lost or field.startswith(f"{lost}.") for lost in fact["lost"])
        if other != vendor and told and field not in wrong:
            return other
    return ""


@check(
    "NORM-19",
    area="normalization",
    severity="critical",
    level=1,
    scenarios=(GOLDEN,),
    source=(POPULATION, Source("https://hl7.org/fhir/R4/dosage.html", "doc")),
    mutants=("strength_as_dose", "name_only_from_coding", "inline_medication_only"),
    needs="read",
)
def medication_meaning_is_exact(e: Evidence) -> Iterator[Mark]:
    """the meaning of medications is exact

    Holds when the drug's name, the dose with its unit, the frequency and the intent are those of the truth; a field
    may be left out, another number is never right.

    A strength read as a dose, or a tripled dose, is the classic fatal mapping error.
    """
    fields = ("text", "intent", "codes")
    yield from mismatches(
        e, ("medication",), lambda field: field in fields or field.startswith("dosage"), minor_counts=True
    )
    yield from absent(e, ("medication",))
    yield from seen(e, ("medication",), "medications")


@check(
    "NORM-20",
    area="normalization",
    severity="critical",
    level=1,
    scenarios=(GOLDEN,),
    source=(POPULATION, Source("an average excuses no safety error: our own rule", "guess")),
    mutants=("puts_out_twice", "keeps_errors", "numeric_snomed_only", "accept_anything"),
    needs="read",
)
def the_gate_is_open(e: Evidence) -> Iterator[Mark]:
    """no safety error, and scores above the mark

    Holds when the output has no critical error (another patient's record, a wrong unit, a lost allergy, a retracted
    result, an invented value or precision, what was never served) and every category of records scores at least 95 %:
    accuracy of its fields times F1 of its items.

    What was served and could not be read is missing, error or not; an answer that is none of the protocol is no answer.
    An average excuses nothing: one patient with another's allergy is one too many, however good the rest.
    """
    for case in e.of("S14"):
        for call in case.runs:
            if call.problem:
                yield fail(
                    "no_answer", f"{call.action}: {call.problem}", at=case.during(call)[:2], case=case.id,
                    expected="an answer of emr-driver/1", got=call.problem, fix="see `conformance/protocol/`",
                )  # fmt: skip
    for score in scores_of(e.cases):
        for one in score.critical:
            yield _critical(e, score, one)
        for category in score.below(e.settings.score_percent / 100):
            worst = next((one for one in score.classes if _is_of(one, category.name)), None)
            yield fail(
                f"score_{category.name}",
                f"{category.name} score {percent(category.score)}: "
                f"fields {percent(category.accuracy)}, F1 {percent(category.items.f1)}",
                case=worst.examples[0].case if worst else "",
                expected=f"at least {e.settings.score_percent:g} %",
                got=f"{category.items.right} of {category.items.truth} records, {category.items.returned} put out",
                fix=f"most frequent: {worst.count} × {worst.verdict}" if worst else "",
            )
        if score.categories:
            parts = ", ".join(f"{one.name} {percent(one.score)}" for one in score.categories.values())
            yield exercised(f"score {percent(score.total)} ({parts})")
    yield untested("no case read records whose meaning is known")


def _is_of(one: ErrorClass, category: str) -> bool:
    return category_of(one.kind) == category


def _critical(e: Evidence, score: Score, one: ErrorClass) -> Mark:
    first = one.examples[0]
    case = next((case for case in e.cases if case.id == first.case), None)
    return fail(
        f"critical_{one.verdict}_{one.kind}",
        f"{one.count} {one.kind} records: {one.verdict}, a safety error",
        at=case.serving(first.source)[:1] if case is not None else (),
        case=first.case,
        expected=text(first.expected),
        got=f"{text(first.got)} ({first.source.get('type')}/{first.source.get('id')} {first.field})".replace(" )", ")"),
        fix=first.hint,
    )


def facts(e: Evidence, kinds: tuple[str, ...]) -> Iterator[tuple[Case, Data]]:
    return ((case, fact) for case in e.of("S14") for fact in case.scores(*kinds))


def mismatches(
    e: Evidence, kinds: tuple[str, ...], wanted: Callable[[str], bool], *, minor_counts: bool = False,
    carried_only: bool = False,
) -> Iterator[Mark]:  # fmt: skip
    """One finding for each way in which a field is wrong; the minor ones are warnings unless `minor_counts`.

    A field that an integration does not carry at all is forgiven when it is of little weight, or with `carried_only`.
    """
    found: dict[tuple[str, str, str], list[tuple[Case, Data, Data]]] = defaultdict(list)
    for case, fact in facts(e, kinds):
        for one in fact["mismatches"]:
            is_forgiven = one["hint"] == _NOT_CARRIED and (carried_only or one["severity"] == "minor")
            if wanted(one["field"]) and not is_forgiven:
                found[fact["kind"], one["field"], one["verdict"]].append((case, fact, one))
    for (kind, field, verdict), those in sorted(found.items()):
        case, fact, one = those[0]
        is_minor = all(mismatch["severity"] == "minor" for _, _, mismatch in those)
        say = warn if is_minor and not minor_counts else fail
        yield say(
            f"{kind}_{field}_{verdict}",
            f"{field} of {len(those)} {kind} records: {verdict}",
            at=case.serving(fact["source"])[:1],
            case=case.id,
            expected=text(one["expected"]),
            got=f"{text(one['got'])} ({where(fact)})",
            fix=str(one.get("hint") or ""),
        )


def absent(e: Evidence, kinds: tuple[str, ...]) -> Iterator[Mark]:
    """One finding a kind for records that were asked for and are not in the output."""
    lost: dict[str, list[tuple[Case, Data]]] = defaultdict(list)
    for case, fact in facts(e, kinds):
        if not fact["found"] and not case.calls[fact["call"]].admits(fact["kind"]):
            lost[fact["kind"]].append((case, fact))
    for kind, those in sorted(lost.items()):
        case, fact = those[0]
        yield fail(
            f"absent_{kind}",
            f"missing: {many(len(those), f'{kind} record')}",
            at=case.serving(fact["source"])[:1],
            case=case.id,
            expected=where(fact),
            got="nothing",
            fix="read every place where the vendor tells this kind",
        )


def seen(e: Evidence, kinds: tuple[str, ...], what: str) -> Iterator[Mark]:
    count = sum(1 for _, fact in facts(e, kinds) if fact["found"])
    if count:
        yield exercised(f"{count} {what} compared with the truth")
    yield untested(f"no {what} were put out")


def where(fact: Data) -> str:
    source = fact["source"]
    part = f" part {source['part']}" if source.get("part") else ""
    return f"{source.get('type')}/{source.get('id')}{part}"


def text(value: object) -> str:
    shown = "nothing" if value is None else str(value)
    return shown if len(shown) <= 160 else shown[:157] + "…"
