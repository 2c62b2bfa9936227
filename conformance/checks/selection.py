"""Normalization where a vendor tells several: which name and number is meant, that no code gets lost, that one fact is
held once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, many, untested
from conformance.checks.normalization import POPULATION, facts, mismatches, seen, where
from conformance.evidence import Case, Data, Evidence
from simulator.source import Source

_OTHER_ORDER = "s14-other-order"
_CODED = ("condition", "allergy", "observation", "immunization", "procedure", "medication")
_WHO = ("name", "telecom", "addresses", "identifiers")


@check(
    "NORM-04",
    area="normalization",
    severity="medium",
    level=1,
    scenarios=(_OTHER_ORDER,),
    source=(
        POPULATION,
        Source("https://github.com/onc-healthit/onc-certification-g10-test-kit/issues/142", "seen"),
        Source("recorded Epic answers: internal, external and other numbers side by side", "seen"),
    ),
    mutants=("name_index_0", "first_identifier_is_mrn"),
    needs="read",
)
def what_is_meant_is_chosen(e: Evidence) -> Iterator[Mark]:
    """names and numbers are chosen by what they are

    Holds when name, phones, addresses and identifiers of every patient are those in force, chosen by use, period, type
    and system, not by their place in a list.

    The first of several names may be the one before the wedding, and the first number that of another system.
    """
    yield from mismatches(e, ("patient",), lambda field: field.split(".")[0] in _WHO, minor_counts=True)
    yield from seen(e, ("patient",), "patients")


@check(
    "NORM-07",
    area="normalization",
    severity="medium",
    level=1,
    scenarios=(_OTHER_ORDER,),
    source=(
        POPULATION,
        Source("recorded Epic answers: vital signs under several LOINC codes, a panel's first", "seen"),
        Source("https://hl7.org/fhir/R4/datatypes.html#CodeableConcept: each coding is a way to say the same", "doc"),
    ),
    mutants=("coding_index_0", "code_only_no_text"),
    needs="read",
)
def no_code_gets_lost(e: Evidence) -> Iterator[Mark]:
    """codes and words are all kept

    Holds when every record holds the codes that say what it is about, those of the site beside the public ones, and the
    words.

    Of several codes the first may be that of a panel; of a laboratory's own code nobody else knows the meaning.
    """
    yield from mismatches(e, _CODED, lambda field: field in ("codes", "text"), minor_counts=True)
    yield from seen(e, _CODED, "coded records")


@check(
    "NORM-18",
    area="normalization",
    severity="medium",
    level=1,
    scenarios=(_OTHER_ORDER,),
    source=(POPULATION, Source("recorded Epic answers: a note as HTML and as RTF, a problem as a diagnosis", "seen")),
    mutants=("double_problem", "note_per_attachment", "names_as_people"),
    needs="read",
)
def one_fact_is_held_once(e: Evidence) -> Iterator[Mark]:
    """one fact is held once

    Holds when no fact comes out more than once, in however many places and forms the vendor tells it.

    A problem comes again as the diagnosis of each visit about it, a note in two forms, a person under two names.
    """
    several: dict[str, list[tuple[Case, Data]]] = defaultdict(list)
    held = 0
    for case, fact in facts(e, ()):
        held += bool(fact["times"])
        if fact["times"] > 1:
            several[fact["kind"]].append((case, fact))
    for kind, those in sorted(several.items()):
        case, fact = those[0]
        yield fail(
            f"several_{kind}",
            f"{many(len(those), f'{kind} record')} held more than once",
            at=case.serving(fact["source"])[:1],
            case=case.id,
            expected=f"{where(fact)} once",
            got=f"{fact['times']} times",
            fix="hold what is told in several places and forms as one, by what it points at",
        )
    if held:
        yield exercised(f"{held} facts, each held once")
    yield untested("nothing was put out")
