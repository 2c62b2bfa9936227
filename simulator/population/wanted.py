"""What may be asked of a chart: a condition, a medication, a consent, a sensitivity label, to be a VIP.

Each answers two questions: whether a chart holds it, and which conditions somebody has to have who does. The second one
rules out nearly everybody without making a chart: see `cohorts`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from simulator.population import tables
from simulator.population.chart.consents import ASKED
from simulator.population.chart.labels import CONFIDENTIAL
from simulator.population.records import KINDS, Chart, Condition, Consent, Medication
from simulator.refusal import UsageError

STATUSES: Mapping[str, tuple[str, ...]] = {
    "condition": ("active", "inactive", "resolved"),
    "medication": ("active", "stopped", "completed"),
    "consent": ("active", "inactive"),
}
"""By what is asked for, the statuses by which it may be narrowed."""
DECISIONS = ("permit", "deny")
VIP = "VIP"

_CASTS = frozenset(("EMP",))
"""Labels of whole patients that nobody has by chance, but some of the cast."""
_ANYBODYS = frozenset(("BH", "SUD", "PART2", "TEEN"))
"""Labels of questionnaires that everybody is asked now and then, and of appointments that nobody kept."""
_WITH = {"PART2": "SUD", "PSYNOTE": "BH"}
"""Labels of what is found with those who have something of another label only."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that is asked of a chart.

    kinds    of the records that decide it, as in `Chart`; empty when the person alone does
    holds    whether a chart holds it
    causes   rows of conditions.csv: who holds it by chance has one of these; None when anybody may, whatever they have
    is_vip   whether it is a question of who is a VIP, and which answer is wanted
    """

    kinds: frozenset[str]
    holds: Callable[[Chart], bool]
    causes: frozenset[str] | None = None
    is_vip: bool | None = None


def condition(asked: str, status: str | None = None) -> Wanted:
    """A condition by key, SNOMED or ICD-10-CM code, the latter with or without its point: in the chart now, whatever
    its clinical status, or with one of them only.

    Raises:
        UsageError: there is no such condition.
    """
    plain = _plain(asked)
    rows = [
        row for row in tables.CONDITIONS.values()
        if plain in (row.key, row.snomed.code, _plain(row.icd10cm.code))
    ]  # fmt: skip
    if not rows:
        raise _unknown("condition", asked, tables.CONDITIONS, "a SNOMED or ICD-10-CM code of one of these is taken too")
    keys = frozenset(row.key for row in rows)
    codes = {(one.system, one.code) for row in rows for one in (row.snomed, row.icd10cm)}

    def is_it(record: Condition) -> bool:
        is_named = record.key in keys or any((one.system, one.code) in codes for one in record.codes)
        return is_named and status in (None, record.clinical_status)

    return Wanted(frozenset(("condition",)), lambda chart: any(map(is_it, chart.conditions)), keys)


def medication(asked: str, status: str | None = None) -> Wanted:
    """A medication by key or RxNorm code, of the product or of an ingredient of several: in the chart now, whatever its
    status, or with one of them only.

    Raises:
        UsageError: there is no such medication.
    """
    everything = tables.MEDICATIONS.values()
    rows = [row for row in everything if _plain(asked) in (row.key, row.product.code)]
    alike = [row for row in everything if row.ingredient is not None and row.ingredient.code == asked.strip()]
    if not rows and not alike:
        raise _unknown("medication", asked, tables.MEDICATIONS, "an RxNorm code of one of these is taken too")
    keys = frozenset(row.key for row in (*rows, *alike))
    codes = {row.product.code for row in (*rows, *alike)}

    def is_it(record: Medication) -> bool:
        is_named = record.key in keys or record.product.code in codes
        is_alike = bool(alike) and record.ingredient is not None and record.ingredient.code == asked.strip()
        return (is_named or is_alike) and status in (None, record.status)

    treated = (row.key for row in tables.CONDITIONS.values() if any(key in keys for key, _ in row.medications))
    return Wanted(frozenset(("medication",)), lambda chart: any(map(is_it, chart.medications)), frozenset(treated))


def consent(asked: str, status: str | None = None) -> Wanted:
    """A consent about a label (`HIV`), with a decision (`deny`), or both (`HIV:deny`); whatever its status, or with one
    of them only.

    Raises:
        UsageError: it is none of these.
    """
    label, _, decision = asked.partition(":")
    if label in DECISIONS and not decision:
        label, decision = "", label
    if (label and label not in ASKED) or (decision and decision not in DECISIONS):
        raise _unknown("consent", asked, (*ASKED, *DECISIONS, f"{ASKED[0]}:{DECISIONS[0]}"))

    def is_it(record: Consent) -> bool:
        is_about = not label or label in record.labels
        return is_about and decision in ("", record.decision) and status in (None, record.status)

    causes = frozenset().union(*(_asked_about(one) for one in ([label] if label else ASKED)))
    return Wanted(frozenset(("consent",)), lambda chart: any(map(is_it, chart.consents)), causes)


def sensitivity(asked: str) -> Wanted:
    """A sensitivity label (row of sensitivity.csv): on any record of the chart now, the person's own among them.

    Raises:
        UsageError: there is no such label.
    """
    if asked not in tables.LABELS:
        raise _unknown("sensitivity", asked, tables.LABELS)
    if asked == VIP:
        return vip(True)
    if asked in _CASTS:
        return Wanted(frozenset(), lambda chart: asked in chart.person.sensitivity, frozenset())
    kinds = frozenset(KINDS) - {"patient"}

    def holds(chart: Chart) -> bool:
        return any(asked in getattr(record, "sensitivity", ()) for kind in kinds for record in chart.of(kind))

    return Wanted(kinds, holds, None if asked in _ANYBODYS else _carriers(_WITH.get(asked, asked)))


def vip(asked: bool) -> Wanted:
    """That the patient is a VIP, or that they are not."""
    return Wanted(frozenset(), lambda chart: (VIP in chart.person.sensitivity) == asked, None, asked)


def wanted_of(
    *,
    conditions: Iterable[str] = (),
    medications: Iterable[str] = (),
    consents: Iterable[str] = (),
    sensitivities: Iterable[str] = (),
    is_vip: bool | None = None,
    status: str | None = None,
) -> tuple[Wanted, ...]:
    """Everything that is asked for; `status` narrows every condition, medication and consent.

    Raises:
        UsageError: something is unknown, or `status` does not go with what is asked for.
    """
    given = {"condition": tuple(conditions), "medication": tuple(medications), "consent": tuple(consents)}
    if status is not None:
        _check(status, [name for name, values in given.items() if values])
    return (
        *(condition(one, status) for one in given["condition"]),
        *(medication(one, status) for one in given["medication"]),
        *(consent(one, status) for one in given["consent"]),
        *map(sensitivity, sensitivities),
        *(() if is_vip is None else (vip(is_vip),)),
    )


def _check(status: str, narrowed: list[str]) -> None:
    if not narrowed:
        raise UsageError("`status` narrows a condition, a medication or a consent", "condition=t2dm, status=active")
    known = [one for one in STATUSES[narrowed[0]] if all(one in STATUSES[name] for name in narrowed)]
    if status not in known:
        raise _unknown("status", status, known, f"of each {' and '.join(narrowed)}")


def _plain(text: str) -> str:
    """A key or a code as it is compared."""
    return text.strip().replace(".", "").lower()


def _unknown(what: str, asked: str, known: Iterable[str], hint: str = "") -> UsageError:
    told = sorted(known)
    near = difflib.get_close_matches(asked, told, n=1)
    return UsageError(
        f'unknown {what} "{asked}"; known: {", ".join(told)}', f'did you mean "{near[0]}"?' if near else hint
    )


def _asked_about(label: str) -> frozenset[str]:
    """The conditions one of which somebody has who is asked for a consent about a label."""
    return frozenset().union(*map(_labelled, sorted(CONFIDENTIAL) if label == "TEEN" else (_WITH.get(label, label),)))


def _labelled(label: str) -> frozenset[str]:
    """The conditions that carry a label."""
    return frozenset(row.key for row in tables.CONDITIONS.values() if label in row.sensitivity)


def _carriers(label: str) -> frozenset[str]:
    """The conditions one of which somebody has whose chart holds a record with a label: those that carry it, and those
    for which something is ordered or done that does."""
    drugs = {key for key, row in tables.MEDICATIONS.items() if label in row.sensitivity}
    labs = {key for key, row in tables.LABS.items() if label in row.sensitivity}
    panels = {key for key, row in tables.PANELS.items() if labs & set(row.members)}
    done = {key for row in tables.PROCEDURES.values() if label in row.sensitivity for key in row.conditions}
    ordered = (
        key for key, row in tables.CONDITIONS.items()
        if drugs & {drug for drug, _ in row.medications} or (labs | panels) & set(row.labs)
    )  # fmt: skip
    return _labelled(label) | done | frozenset(ordered)
