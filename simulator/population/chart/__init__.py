"""The chart: everything that is so about one patient, as a pure function of the population and the number.

Conditions come first; they bring the encounters, these the medications, and all of them move what is measured. One file
a part. Items are numbered within their kind in order of time, oldest first.
"""

from __future__ import annotations

from simulator.population.chart.allergies import allergies_of, allergy_rows
from simulator.population.chart.conditions import Episode, conditions_of, episodes_of
from simulator.population.chart.encounters import Visit, encounters_of, visits_of
from simulator.population.chart.immunizations import immunizations_of
from simulator.population.chart.life import Life, life_of
from simulator.population.chart.measures import Intervals, Measures
from simulator.population.chart.medications import Order, medications_of, orders_of
from simulator.population.chart.observations import observations_of
from simulator.population.people import Population
from simulator.population.records import Chart


def chart_of(population: Population, number: int) -> Chart:
    """The chart of patient `number`, the same whatever was asked before.

    Raises:
        IndexError: there is no patient of that number.
    """
    life = life_of(population, number)
    episodes = episodes_of(life)
    visits = visits_of(life, episodes)
    episodes = _numbered(life, episodes, visits)
    allergies = allergy_rows(life)
    orders = orders_of(life, episodes, visits, allergies)
    measures = Measures(life, _intervals(episodes, orders))
    return Chart(
        person=life.person,
        encounters=encounters_of(visits),
        conditions=conditions_of(life, episodes),
        allergies=allergies_of(life, allergies, visits),
        medications=medications_of(orders),
        observations=observations_of(life, visits, episodes, measures),
        immunizations=immunizations_of(life, visits),
    )


def _numbered(life: Life, episodes: list[Episode], visits: list[Visit]) -> list[Episode]:
    """The episodes that somebody noticed, in order of onset, each with the encounter at which it was written down."""
    seen: dict[Episode, Visit] = {}
    for one in visits:
        if one.episode is not None:
            seen.setdefault(one.episode, one)
    kept = [episode for episode in episodes if not episode.is_acute or episode in seen]
    kept.sort(key=lambda episode: episode.onset)
    for ordinal, episode in enumerate(kept):
        episode.ordinal = ordinal
        since = max(episode.onset, life.first)
        visit = seen.get(episode) if episode.is_acute else _first_after(visits, since)
        if visit is not None:
            episode.encounter, episode.practitioner = visit.ordinal, visit.practitioner
            episode.recorded = visit.start
        else:
            day = min(life.until, since)
            episode.practitioner = life.person.practitioner
            episode.recorded = life.instant(life.person.facility, day, 600)
    return kept


def _first_after(visits: list[Visit], day: int) -> Visit | None:
    return next((visit for visit in visits if visit.local_day >= day), None)


def _intervals(episodes: list[Episode], orders: list[Order]) -> Intervals:
    intervals: Intervals = {}
    for episode in episodes:
        intervals.setdefault(episode.key, []).append((episode.onset, episode.end, episode.is_acute))
    for order in orders:
        intervals.setdefault(order.row.key, []).append((order.start, order.stop, order.status == "completed"))
    return intervals
