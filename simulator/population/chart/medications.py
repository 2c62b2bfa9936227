"""Medications: what was ordered for which condition, at which encounter, with a sig that a person would write."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from simulator.ids import mix
from simulator.population import tables
from simulator.population.chart import fates
from simulator.population.chart.conditions import Episode
from simulator.population.chart.encounters import Step, Visit
from simulator.population.chart.labels import labels_of
from simulator.population.chart.life import Life
from simulator.population.records import Dosage, Medication
from simulator.population.tables.rows import AllergyRow, MedicationRow

_MILLION = 10**6
_STOPPED_PERCENT = 15
_FOR_GOOD = 99  # a draw of those whom nobody stops
ORDERED_AFTER = timedelta(minutes=4)
"""So long after its start something is ordered at a visit."""
_MAX_DELAY = 400  # days until somebody treats a chronic condition
_CROSS_REACTIONS = {
    "penicillin": frozenset(("amoxicillin500", "amoxicillin_susp", "amox_clav875", "penicillinvk500")),
    "amoxicillin": frozenset(("amoxicillin500", "amoxicillin_susp", "amox_clav875", "penicillinvk500")),
    "sulfa": frozenset(("smx_tmp_ds",)),
}
_SIGS = {
    "oral": "Take {amount} by mouth {when}",
    "sublingual": "Dissolve {amount} under the tongue {when}",
    "subcutaneous": "Inject {amount} under the skin {when}",
    "intramuscular": "Inject {amount} into a muscle {when}",
    "intravenous": "Infuse {amount} into a vein {when}",
    "inhalation": "Inhale {amount} {when}",
    "topical": "Apply {amount} to the affected skin {when}",
    "transdermal": "Apply {amount} to clean dry skin {when}",
}
_COUNTED = frozenset(("tablet", "capsule", "puff", "film", "patch", "application"))


@dataclass(slots=True, eq=False)
class Order:
    """A medication before it is written down. `over` is the status once it is over."""

    row: MedicationRow
    episode: Episode
    visit: Visit
    start: int
    stop: int | None
    over: str
    ordinal: int = -1


def orders_of(
    life: Life, episodes: list[Episode], visits: list[Visit], allergies: tuple[AllergyRow, ...]
) -> list[Order]:
    """What was ordered, in order of time, numbered. No product twice, no two of one ingredient, nothing that the
    patient is allergic to, and in a pregnancy nothing that harms: what does ends when it is noticed."""
    avoided = {row.code.code for row in allergies}
    crossed = {key for row in allergies for key in _CROSS_REACTIONS.get(row.key, ())}
    at = {visit.episode: visit for visit in reversed(visits) if visit.episode is not None and visit.episode.is_acute}
    pregnancies = [
        (one.onset, one.end, visits[one.visit]) for one in episodes if one.key == "pregnancy" and one.visit is not None
    ]
    orders: dict[str, Order] = {}
    for episode in episodes:
        visit = at.get(episode) if episode.is_acute else _treated(life, episode, visits)
        for key, share in episode.row.medications:
            row = tables.MEDICATIONS[key]
            salt = mix(mix(life.number, life.salts[episode.key]) ^ episode.onset, len(key) * 131 + ord(key[0]) + share)
            ingredient = row.ingredient.code if row.ingredient else key
            is_wished = life.wishes is not None and not episode.is_acute
            is_taken = key in life.wishes.medications if life.wishes and is_wished else salt % _MILLION < share
            if visit is None or not is_taken or ingredient in orders or key in crossed:
                continue
            age = life.age_days(visit.local_day) * 4 // 1461
            if not row.ages[0] <= age <= row.ages[1]:
                continue
            if ingredient not in avoided and episode.is_active(visit.local_day):
                order = _order(row, episode, visit, _FOR_GOOD if is_wished else salt >> 20)
                if not row.is_kept_from_pregnant or _is_kept_from(order, pregnancies):
                    orders[ingredient] = order
    made = sorted(orders.values(), key=lambda order: order.visit.start)
    for ordinal, order in enumerate(made):
        order.ordinal = ordinal
    return made


def _is_kept_from(order: Order, pregnancies: list[tuple[int, int | None, Visit]]) -> bool:
    """Whether an order that harms is given outside of pregnancies; it then ends with the visit at which the next one is
    noticed."""
    for onset, end, noticed in pregnancies:
        if onset <= order.start and (end is None or order.start <= end):
            return False
        if order.start < onset and (order.stop is None or order.stop > noticed.local_day):
            order.stop, order.over = noticed.local_day, "stopped"
    return True


def medications_of(life: Life, orders: list[Order], visits: list[Visit]) -> Iterable[Step]:
    """What happens to the orders: they are given, and at the first visit after their end somebody notes that."""
    days = [visit.local_day for visit in visits]
    for order in orders:
        given = _medication(life, order, is_over=False)
        yield order.visit.charted, "created", given
        if not order.row.is_chronic and fates.is_retracted(life, "medication", order.visit, order.row.key):
            yield fates.retraction(order.visit, given)
            continue
        if order.stop is not None:
            noted = bisect_left(days, order.stop)
            if noted < len(visits):
                yield visits[noted].charted, "updated", _medication(life, order, is_over=True)


def _treated(life: Life, episode: Episode, visits: list[Visit]) -> Visit | None:
    """The visit at which treatment began; for what began before the record, one of the first year."""
    since = max(episode.onset, life.first)
    until = since + _MAX_DELAY if life.wishes is None else life.last
    return next((v for v in visits if since <= v.local_day <= until and v.kind != "telephone"), None)


def _order(row: MedicationRow, episode: Episode, visit: Visit, draw: int) -> Order:
    start = visit.local_day
    if row.is_chronic:
        ends = draw % 100 < _STOPPED_PERCENT
        return Order(row, episode, visit, start, start + 30 + (draw >> 8) % 900 if ends else episode.end, "stopped")
    return Order(row, episode, visit, start, start + row.days_supply * (1 + row.refills), "completed")


def _medication(life: Life, order: Order, *, is_over: bool) -> Medication:
    row, visit = order.row, order.visit
    return Medication(
        ordinal=order.ordinal,
        key=row.key,
        product=row.product,
        ingredient=row.ingredient,
        text=row.product.display,
        status=order.over if is_over else "active",
        intent="order",
        authored=visit.start + ORDERED_AFTER,
        start=date.fromordinal(order.start),
        stop=date.fromordinal(order.stop) if is_over and order.stop is not None else None,
        dosage=dosage_of(row),
        quantity=row.quantity,
        days_supply=row.days_supply,
        refills=row.refills,
        reason=order.episode.ordinal,
        encounter=visit.ordinal,
        practitioner=visit.practitioner,
        dea_schedule=row.dea_schedule,
        sensitivity=labels_of(life, visit.local_day, visit.facility, row.sensitivity),
    )


def dosage_of(row: MedicationRow) -> Dosage:
    """The dosage of a product, with its sig."""
    frequency = tables.FREQUENCIES[row.frequency]
    when = frequency.words + (" as needed" if row.as_needed else "")
    return Dosage(
        dose=row.dose,
        unit=row.dose_unit,
        route=tables.ROUTES[row.route],
        route_key=row.route,
        frequency=frequency.frequency,
        period=frequency.period,
        period_unit=frequency.period_unit,
        frequency_code=frequency.code,
        as_needed=row.as_needed,
        text=_SIGS[row.route].format(amount=_amount(row), when=when),
    )


def _amount(row: MedicationRow) -> str:
    unit = "units" if row.dose_unit == "[iU]" else row.dose_unit
    return f"{row.dose} {unit}{'s' if unit in _COUNTED and row.dose != 1 else ''}"
