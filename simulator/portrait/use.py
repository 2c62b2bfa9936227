"""Plots of what happens to people: records on a chart, encounters a year, deaths."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.population.statistics.estimate import Rate, Share
from simulator.population.statistics.figures import Comparison
from simulator.population.statistics.tally import CLASSES, DECADES, Survey
from simulator.portrait.svg import Drawing, Scale, ticks
from simulator.portrait.words import FURTHER

_QUANTILES = (5, 25, 50, 75, 95)
_LEAST_DEATHS, _MOST_DEATHS = 1.0, 50_000.0  # per 100,000 a year


def records(found: Survey) -> str:
    """How many records of each kind a patient has: the middle half as a bar, nine tenths as a line."""
    kinds = [kind for kind, counts in found.records.items() if kind != "patient" and set(counts) - {0}]
    drawing = Drawing(560, 30 * len(kinds) + 34, "Records of a patient")
    x, foot = Scale((0.6, 2_000), (110, 540), log=True), 30.0 * len(kinds)
    for value in (1, 10, 100, 1_000):
        drawing.line(x(value), 0, x(value), foot, "grid")
        drawing.text(x(value), foot + 16, f"{value:,}", "tick", "middle")
    drawing.text(x(0), foot + 16, "0", "tick", "middle")
    for place, kind in enumerate(kinds):
        low, first, middle, third, high = (found.quantile(kind, share) for share in _QUANTILES)
        y = 30.0 * place + 15
        says = f"{kind}: half of the patients have {first} to {third}, one in twenty more than {high}"
        drawing.text(102, y + 4, f"{kind}s".replace("ys", "ies"), "label", "end")
        drawing.line(x(low), y, x(high), y, "whisker", says)
        drawing.rect(x(first), y - 8, max(2.0, x(third) - x(first)), 16, "ours", says)
        drawing.line(x(middle), y - 8, x(middle), y + 8, "median", says)
        drawing.text(x(high) + 8, y + 4, f"{middle:,}", "tick")
    return str(drawing)


def visits(found: Survey) -> str:
    """Encounters a year by decade of age, one kind upon the other; published office visits as lines."""
    drawing = Drawing(560, 300, "Encounters a year by age")
    rates = {key: (rate.events / rate.exposure if rate.exposure else 0.0) for key, rate in found.visits.items()}
    offices = [one for one in found.comparisons if one.figure.measure == "visits" and "AMB" in one.figure.of]
    tops = [sum(rates.get((name, decade), 0.0) for name in CLASSES) for decade in DECADES]
    marks = ticks(max([*tops, *(one.figure.value / one.figure.scale for one in offices), 0.1]))
    y, wide = Scale((0, marks[-1]), (250, 10)), 500 / len(DECADES)
    x = Scale((0, 90), (46, 46 + 500))
    for value in marks:
        drawing.line(46, y(value), 546, y(value), "grid")
        drawing.text(40, y(value) + 4, f"{value:g}", "tick", "end")
    for place, decade in enumerate(DECADES):
        at, foot = 46 + place * wide, 0.0
        for name in CLASSES:
            rate = rates.get((name, decade), 0.0)
            says = f"{name}, {decade} to {decade + 9}: {rate:.2f} a year"
            drawing.rect(at + 5, y(foot), wide - 10, y(foot + rate) - y(foot), name, says)
            foot += rate
        drawing.text(at + wide / 2, 268, f"{decade}+" if decade == DECADES[-1] else str(decade), "tick", "middle")
    for one in offices:
        if one.figure.key != "visits":
            _level(drawing, one, x, y)
    drawing.text(296, 290, "age", "tick", "middle")
    return str(drawing)


def _level(drawing: Drawing, one: Comparison, x: Scale, y: Scale) -> None:
    figure = one.figure
    at = y(figure.value / figure.scale)
    last = min(figure.ages[1] + 1, 90)
    says = f"{figure.title}: {figure.value:g} {figure.unit}, {figure.population}, {figure.year}"
    drawing.line(x(figure.ages[0]), at, x(last), at, "published-line", says)


def deaths(found: Survey) -> str:
    """Deaths a year by decade of age on a logarithmic scale, men and women; published rates as lines."""
    drawing = Drawing(560, 300, "Deaths a year by age")
    y, x = Scale((_LEAST_DEATHS, _MOST_DEATHS), (250, 10), log=True), Scale((0, 90), (62, 546))
    for value in (1, 10, 100, 1_000, 10_000):
        drawing.line(62, y(value), 546, y(value), "grid")
        drawing.text(56, y(value) + 4, f"{value:,}", "tick", "end")
    for decade in DECADES:
        drawing.text(x(decade + 5), 268, f"{decade}+" if decade == DECADES[-1] else str(decade), "tick", "middle")
    for one in found.comparisons:
        if one.figure.measure == "deaths":
            _level_of_deaths(drawing, one, x, y)
    for sex in "MF":
        points = [(x(decade + 5), y(rate)) for decade, rate in _death_rates(found, sex) if rate > 0]
        drawing.path(points, f"{sex}-line")
        for decade, rate in _death_rates(found, sex):
            if rate > 0:
                drawing.dot(x(decade + 5), y(rate), 3.5, sex, f"{decade} to {decade + 9}: {rate:,.0f} of 100,000")
    drawing.text(304, 290, "age; deaths of 100,000 a year", "tick", "middle")
    return str(drawing)


def _death_rates(found: Survey, sex: str) -> Iterator[tuple[int, float]]:
    for decade in DECADES:
        rate = found.deaths.get((sex, decade), Rate())
        yield decade, 1e5 * rate.events / rate.exposure if rate.exposure else 0.0


def _level_of_deaths(drawing: Drawing, one: Comparison, x: Scale, y: Scale) -> None:
    figure = one.figure
    first, last = figure.ages[0], min(figure.ages[1] + 1, 90)
    says = f"{figure.title}: {figure.value:,g} {figure.unit}, {figure.year}"
    drawing.line(x(first), y(figure.value), max(x(last), x(first) + 8), y(figure.value), "published-line", says)


def absences(found: Survey) -> str:
    """The share of people about whom something is not on record, and the share that was asked for."""
    return _shares(found, "Not on record", {name: (name, f"no {name}", one) for name, one in found.absences.items()})


def further(found: Survey) -> str:
    """The share of people who have a further number of a kind, and the share that was asked for."""
    rows = {kind: (FURTHER[kind], FURTHER[kind], share) for kind, share in found.further.items()}
    return _shares(found, "More than one number", rows)


def _shares(found: Survey, title: str, shares: dict[str, tuple[str, str, Share]]) -> str:
    """Bars of shares by the name of their setting, each with its label and what it says at the pointer."""
    rows = list(shares.items())
    drawing = Drawing(560, 30 * len(rows) + 30, title)
    marks = ticks(max([100 * share.hits / max(1, share.n) for _, (_, _, share) in rows] + [1.0]))
    x, foot = Scale((0, marks[-1]), (110, 520)), 30.0 * len(rows)
    for value in marks:
        drawing.line(x(value), 0, x(value), foot, "grid")
        drawing.text(x(value), foot + 16, f"{value:g} %", "tick", "middle")
    for place, (name, (label, words, share)) in enumerate(rows):
        y, told = 30.0 * place + 15, share.interval()
        if told is None:
            continue
        drawing.text(102, y + 4, label, "label", "end")
        says = f"{words}: {100 * told.value:.1f} %, {100 * told.low:.1f} to {100 * told.high:.1f}"
        drawing.rect(x(0), y - 8, x(100 * told.value) - x(0), 16, "ours", says)
        drawing.line(x(100 * told.low), y, x(100 * told.high), y, "whisker", says)
        if name in found.settings:
            at = x(100 * found.settings[name])
            drawing.line(at, y - 11, at, y + 11, "published-line", f"setting: {100 * found.settings[name]:g} %")
    return str(drawing)
