"""Normalization of form: times keep what they say and no more, attachments are fetched and whole."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, many, untested
from conformance.checks.normalization import GOLDEN, POPULATION, facts, mismatches, text, where
from conformance.evidence import Case, Data, Evidence
from simulator.population.judging.fields import FIELDS
from simulator.source import Source

WEST, EAST = "s15-los-angeles", "s15-kiritimati"
SPLIT = "s15-split-seconds"
_QUARTER = re.compile(r"\.250*(Z|$)")
NEW = "s20-what-is-new"
_TAKEN_BACK = 30  # the mismatch row of what was entered in error
_TIMES = frozenset(name for fields in FIELDS.values() for name, what in fields.items() if what == "time")
_CONTENT = ("sha256", "content", "mime")


@check(
    "NORM-03",
    area="normalization",
    severity="medium",
    level=1,
    scenarios=(GOLDEN, SPLIT),
    source=(
        POPULATION,
        Source("https://hl7.org/fhir/R4/datatypes.html#dateTime: an offset stands wherever a time does", "doc"),
    ),
    mutants=("pad_partial_date", "drop_offset", "truncate_fraction"),
    needs="read",
)
def times_keep_what_they_say(e: Evidence) -> Iterator[Mark]:
    """times keep their precision and their instant

    Holds when every date and time of the output is the one that was told: a year stays a year, a day a day, a time with
    an offset is the same instant, and a quarter of a second is told as one (Epic and Cerner).

    A year of birth that becomes the first of January is a birthday that nobody has; a lost offset moves a dose.
    """
    yield from mismatches(e, (), lambda field: field in _TIMES, minor_counts=True, carried_only=True)
    seen = Counter(str(fact["kind"]) for _, fact in facts(e, ()) if fact["found"])
    split = [(case, fact) for case in e.of(SPLIT) for fact in case.scores("encounter") if _is_split(case, fact)]
    cut = [(case, fact) for case, fact in split if not _QUARTER.search(_start(fact))]
    if cut:
        case, fact = cut[0]
        yield fail(
            "cut_fraction", f"{len(cut)} of {many(len(split), 'time')} lost their part of a second",
            at=case.serving(fact["source"])[:1], case=case.id, expected="a quarter of a second, .25 or .250",
            got=f"{_start(fact)} ({where(fact)})", fix="keep the fraction: two events of one minute have an order",
        )  # fmt: skip
    if seen:
        also = f", {len(split)} of them with a part of a second" if split else ""
        yield exercised(f"the times of {sum(seen.values())} records of {many(len(seen), 'kind')}{also}")
    yield untested("no record was put out")


def _start(fact: Data) -> str:
    return str(((fact["got"] or {}).get("start") or {}).get("value") or "")


def _is_split(case: Case, fact: Data) -> bool:
    """Whether a time of day was put out of a record that was served with a part of a second."""
    served = case.serving(fact["source"])
    return "T" in _start(fact) and any((x.data.get("fault") or {}).get("changed") for x in served)


@check(
    "NORM-13",
    area="normalization",
    severity="medium",
    level=1,
    scenarios=(GOLDEN,),
    source=(POPULATION, Source("https://hl7.org/fhir/R4/datatypes.html#Attachment", "doc")),
    mutants=("inline_only", "binary_text_decode"),
    needs="read",
)
def attachments_are_whole(e: Evidence) -> Iterator[Mark]:
    """attachments are fetched and whole

    Holds when the bytes of every document that is put out are those of one of the forms in which the vendor has it, by
    their SHA-256, whether they came inline or behind a relative or an absolute address, and the media type is that of
    this form. A document that cannot be read may be left out and counted; who carries no `sha256` is not judged.

    A letter that was read as text is a letter with holes; one that was never fetched is a title.
    """
    yield from mismatches(e, ("document",), lambda field: field in _CONTENT, minor_counts=True, carried_only=True)
    whole = 0
    for case, fact in facts(e, ("document",)):
        if fact["found"]:
            is_wrong = any(one["field"] in _CONTENT for one in fact["mismatches"])
            whole += not is_wrong and bool((fact["got"] or {}).get("sha256"))
        elif not fact["admitted"] and not case.calls[fact["call"]].dropped:
            yield fail(
                "absent_document",
                "a document is missing, and nothing is reported",
                at=case.serving(fact["source"])[:1],
                case=case.id,
                expected=where(fact),
                got="nothing",
                fix="fetch the attachment, or count what cannot be read",
            )
    if whole:
        yield exercised(f"{many(whole, 'document')} with the bytes that the vendor has")
    yield untested("no document was put out with its `sha256`")


@check(
    "NORM-08",
    area="normalization",
    severity="critical",
    level=1,
    scenarios=(GOLDEN, NEW),
    source=(
        Source("https://hl7.org/fhir/R4/valueset-observation-status.html: entered-in-error", "doc"),
        Source("https://github.com/drajer-health/eCRNow/issues/577: deleted conditions told as active", "seen"),
    ),
    mutants=("ignore_verification_status", "no_retract"),
    vendors=("cerner",),
    needs="read",
)
def what_was_taken_back_is_not_held(e: Evidence) -> Iterator[Mark]:
    """what was entered in error is not held

    Holds when nothing is put out as valid that says itself that it was entered in error, in its status or in its
    verification; and, for an integration that syncs, when what was held is taken back as soon as that is told.

    An allergy that was a slip of the mouse keeps a drug from a patient for life.
    """
    shown = 0
    for case in e.of(GOLDEN, NEW):
        shown += sum(int(seen) for row, seen, _ in case.score.get("rows") or () if row == _TAKEN_BACK)
        held = [fact for fact in case.scores() if any(one["verdict"] == "stale" for one in fact["mismatches"])]
        held += [one for one in case.score.get("extras") or () if one["verdict"] == "stale"]
        if held:
            source = held[0]["source"]
            kinds = ", ".join(sorted({str(one["kind"]) for one in held}))
            syncs = any(call.action == "sync" for call in case.runs)
            yield fail(
                "still_held" if syncs else "held_as_valid",
                f"{many(len(held), 'record')} entered in error {'still' if syncs else 'are'} held as valid ({kinds})",
                at=case.serving(source)[-2:] if syncs else case.serving(source)[:1],
                case=case.id,
                expected="left out, told as `deleted`, or put out as entered-in-error",
                got=f"{source.get('type')}/{source.get('id')} as valid",
                fix="drop what comes as entered in error, and tell its source in `deleted`"
                if syncs
                else "look at `status` and at `verificationStatus` before anything else of a resource",
            )
    if shown:
        yield exercised(f"{many(shown, 'record')} entered in error, none held as valid")
    yield untested("nothing that was entered in error was served")


@check(
    "NORM-02",
    area="normalization",
    severity="critical",
    level=1,
    scenarios=(WEST, EAST),
    source=(
        Source("https://hl7.org/fhir/R4/datatypes.html#date: a date has no time zone", "doc"),
        Source("https://github.com/cerner/smart-on-fhir-tutorial/issues/52: dates one day early", "seen"),
    ),
    mutants=("date_as_utc_instant", "local_midnight_as_utc"),
    needs="process",
)
def days_do_not_shift(e: Evidence) -> Iterator[Mark]:
    """calendar dates never shift

    Holds when a process of the integration that stands in Los Angeles, and one that stands on Kiritimati, put out every
    day as it was told: birth dates, onsets, doses of vaccines.

    A birth date that is a day early matches nobody, or somebody else.
    """
    days = 0
    for case in e.of(WEST, EAST):
        zone = "in Los Angeles" if case.scenario == WEST else "on Kiritimati"
        told = [fact for fact in case.scores() if fact["found"]]
        days += len(told)
        wrong = [(fact, one) for fact in told for one in fact["mismatches"] if one["field"] in _TIMES]
        if wrong:
            fact, one = wrong[0]
            yield fail(
                "shifted_west" if case.scenario == WEST else "shifted_east",
                f"{many(len(wrong), 'date')} shifted in a process that stands {zone}",
                at=case.serving(fact["source"])[:1],
                case=case.id,
                expected=_day_of(one["expected"]),
                got=f"{_day_of(one['got'])} ({where(fact)} {one['field']})",
                fix="keep a date as the three numbers that it is, and make no instant of it",
            )
    if days:
        yield exercised(f"the dates of {many(days, 'record')}, read in Los Angeles and on Kiritimati")
    yield untested("nothing was put out by a process in another time zone")


def _day_of(time: object) -> str:
    return str(time.get("value")) if isinstance(time, dict) else text(time)
