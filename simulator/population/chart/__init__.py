"""The chart: everything that happens to one patient, as a pure function of the population and the number.

Conditions that last come first; they and the rates of the tables decide which slots become visits, and for what. The
visits bring orders, and all of them move what is measured. Everything is written down by somebody at a visit, or some
delay after it. One file a part; a part gives the steps of its records, each numbered in the order in which the records
were written down, so that an ordinal never moves. A new part is one more line in `_parts`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from simulator.population.chart import fates
from simulator.population.chart.allergies import allergies_of, allergy_rows
from simulator.population.chart.appointments import appointments_of
from simulator.population.chart.conditions import Episode, Recorded, chronic_of, condition_of
from simulator.population.chart.consents import consents_of
from simulator.population.chart.coverage import coverages_of
from simulator.population.chart.documents import documents_of
from simulator.population.chart.encounters import Step, Visit, closings_of, encounters_of, visits_of
from simulator.population.chart.immunizations import immunizations_of
from simulator.population.chart.labels import labels_of
from simulator.population.chart.last_stays import PERIOD
from simulator.population.chart.life import Life, life_of
from simulator.population.chart.measures import Intervals, Measures
from simulator.population.chart.medications import Order, medications_of, orders_of
from simulator.population.chart.moments import Moment
from simulator.population.chart.observations import observations_of
from simulator.population.chart.procedures import procedures_of
from simulator.population.chart.slots import slots_of
from simulator.population.chart.typos import Typo, typed
from simulator.population.history import History
from simulator.population.lanes import DEATH
from simulator.population.people import Population
from simulator.population.records import Chart
from simulator.population.tables.rows import AllergyRow
from simulator.population.zones import minute_of

_OUTLINED = frozenset(("condition", "medication", "consent"))
"""Kinds of records that follow from the outline alone."""


@dataclass(slots=True)
class Outline:
    """What the parts of a chart hang on: the life; its conditions and visits, numbered; the appointments
    that were not kept; what the patient is allergic to, and what was ordered."""

    life: Life
    episodes: list[Episode]
    visits: list[Visit]
    missed: list[Visit]
    allergies: tuple[AllergyRow, ...]
    orders: list[Order]


def chart_of(population: Population, number: int, at: datetime | None = None) -> Chart:
    """The chart of patient `number` at a moment, by default the one at which the population starts.

    Raises:
        IndexError: there is no patient of that number.
    """
    at = at or population.starts
    return history_of(population, number, at).chart_at(at)


def history_of(population: Population, number: int, by: datetime | None = None) -> History:
    """Everything that happens to patient `number` by a moment, or up to the horizon, the same whatever was asked
    before: of the whole history what comes first.

    Raises:
        IndexError: there is no patient of that number.
    """
    outline = outline_of(population, number, by)
    life = outline.life
    limit = _limit(population, by)
    parts = (*_parts(outline, limit), _death(life))
    return History(life.person, life.registered, limit, parts, by=by)


def bookings_of(population: Population, number: int) -> History:
    """What happens to the appointments of patient `number`, and to nothing else: a fraction of the work of all of it.

    Raises:
        IndexError: there is no patient of that number.
    """
    outline = outline_of(population, number)
    life = outline.life
    steps = appointments_of(life, outline.visits, outline.missed)
    return History(life.person, life.registered, _limit(population, None), [steps, _death(life)])


def parts_of(population: Population, number: int, kinds: Collection[str], by: datetime) -> History:
    """What happens to the records of some kinds of patient `number` by a moment, and to nothing else: of conditions,
    medications and consents a fraction of the work of all of it, of other kinds all of it.

    Raises:
        IndexError: there is no patient of that number.
    """
    if not _OUTLINED.issuperset(kinds):
        return history_of(population, number, by)
    outline = outline_of(population, number, by)
    life = outline.life
    steps: dict[str, Callable[[], Iterable[Step]]] = {
        "condition": lambda: _conditions(outline),
        "medication": lambda: medications_of(life, outline.orders, outline.visits),
        "consent": lambda: consents_of(life, outline.visits),
    }
    limit = _limit(population, by)
    parts = (*(steps[kind]() for kind in kinds), _death(life))
    return History(life.person, life.registered, limit, parts, by=by)


def typos_of(population: Population, number: int) -> list[Typo]:
    """What hands got wrong in the observations of patient `number`, up to the horizon.

    Raises:
        IndexError: there is no patient of that number.
    """
    outline = outline_of(population, number)
    life = outline.life
    measures = Measures(life, _intervals(outline.episodes, outline.orders))
    found: list[Typo] = []
    steps = observations_of(life, outline.visits, outline.episodes, measures)
    typed(population, number, (step for step in steps if step[0].minute < life.limit), found)
    return found


def outline_of(population: Population, number: int, by: datetime | None = None) -> Outline:
    """The outline of the history of patient `number`: of all of it, or with as many visits as matter by a moment.

    Raises:
        IndexError: there is no patient of that number.
    """
    life = life_of(population, number, by)
    chronic = chronic_of(life)
    slots, acute = slots_of(life, chronic)
    visits, missed = visits_of(life, slots)
    episodes = _numbered(life, chronic, acute, visits)
    allergies = allergy_rows(life)
    orders = orders_of(life, episodes, visits, allergies)
    return Outline(life, episodes, visits, missed, allergies, orders)


def _limit(population: Population, by: datetime | None) -> int:
    """The minute before which everything lies that happens by a moment, or up to the horizon."""
    horizon = minute_of(population.horizon)
    return horizon if by is None else min(horizon, minute_of(by) + 1)


def _parts(outline: Outline, limit: int) -> Iterator[Iterable[Step]]:
    """The steps of every part of the chart. Of what is written down in one minute the earlier part comes first.

    What is found and done at visits that begin at the minute `limit` or later is left out. What is noticed, booked or
    given there stays: it may decide what happens before.
    """
    life, visits, orders = outline.life, outline.visits, outline.orders
    measures = Measures(life, _intervals(outline.episodes, orders))
    begun = [visit for visit in visits if visit.minute < limit]
    yield encounters_of(life, begun)
    yield _conditions(outline)
    yield allergies_of(life, outline.allergies, visits)
    yield medications_of(life, orders, visits)
    measured = observations_of(life, begun, outline.episodes, measures)
    observations = typed(life.population, life.number, measured)
    yield observations
    yield immunizations_of(life, visits)
    procedures = list(procedures_of(life, begun, outline.episodes))
    yield procedures
    yield closings_of(life, begun)
    yield documents_of(life, begun, procedures, observations)
    yield appointments_of(life, visits, outline.missed)
    yield coverages_of(life, visits)
    yield consents_of(life, visits)


def _death(life: Life) -> Iterator[Step]:
    """The death, after whatever else is written down in its minute."""
    at = life.person.deceased
    if at is not None:
        yield Moment(life.limit, DEATH, PERIOD, 0, at), "updated", life.person


def _numbered(life: Life, chronic: list[Episode], acute: list[Episode], visits: list[Visit]) -> list[Episode]:
    """The episodes that somebody notices, in the order in which they are written down: acute ones at the visit to which
    they lead, the others at the first visit after their onset.

    What began after the last visit before today was noticed then: prevalences are those of people who know.
    """
    seen: dict[Episode, int] = {}
    for visit in visits:
        if visit.episode is not None:
            seen.setdefault(visit.episode, visit.ordinal)
    days = [visit.local_day for visit in visits]
    latest = next((day for day in reversed(days) if day <= life.today), None)
    kept = []
    for episode in (*chronic, *acute):
        if episode.is_acute:
            episode.visit = seen.get(episode)
        else:
            if latest is not None and latest < episode.onset <= life.today:
                episode.onset = max(latest, life.birth)
            since = max(episode.onset, life.first)
            episode.visit = next((place for place, day in enumerate(days) if day >= since), None)
        if episode.visit is not None:
            kept.append(episode)
    kept.sort(key=lambda episode: (episode.visit, episode.onset))
    for ordinal, episode in enumerate(kept):
        episode.ordinal = ordinal
    return kept


def _conditions(outline: Outline) -> Iterator[Step]:
    """What happens to the conditions: they are written down, and at the first visit after their end somebody notes
    that they are over."""
    life, visits = outline.life, outline.visits
    treated = {order.episode for order in outline.orders}
    for episode in outline.episodes:
        assert episode.visit is not None
        visit = visits[episode.visit]
        labels = labels_of(life, visit.local_day, visit.facility, (), episode)
        recorded = Recorded(visit.charted.at, visit.ordinal, visit.practitioner, labels)
        written = condition_of(life, episode, visit.local_day, recorded)
        yield visit.charted, "created", written
        is_loose = episode.row.kind == "acute" and episode not in treated
        if is_loose and fates.is_retracted(life, "condition", visit, episode.key):
            yield fates.retraction(visit, written)
            continue
        if episode.end is not None and written.abatement is None:
            later = next((one for one in visits[episode.visit + 1 :] if one.local_day >= episode.end), None)
            if later is not None:
                yield later.charted, "updated", condition_of(life, episode, later.local_day, recorded)


def _intervals(episodes: list[Episode], orders: list[Order]) -> Intervals:
    intervals: Intervals = {}
    for episode in episodes:
        intervals.setdefault(episode.key, []).append((episode.onset, episode.end, episode.is_acute))
    for order in orders:
        intervals.setdefault(order.row.key, []).append((order.start, order.stop, not order.row.is_chronic))
    return intervals
