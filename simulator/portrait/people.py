"""Plots of who the people are and what they have: pyramid, shares over age, surnames."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.population.statistics.estimate import Share
from simulator.population.statistics.figures import Figure
from simulator.population.statistics.tally import AGE_BANDS, CURVES, DECADES, Survey
from simulator.portrait.svg import Drawing, Scale, ticks

_GROWN_UP, _FOREVER = 20, 100
_LAST_PUBLISHED = 85  # first year of the last band of the published pyramid


def pyramid(found: Survey) -> str:
    """Men to the left, women to the right, five years a bar; the published shares as an outline."""
    drawing = Drawing(560, 400, "Age pyramid")
    living = max(1, found.people.total())
    published = {
        (one.figure.sex, one.figure.ages[0]): one.figure.value
        for one in found.comparisons
        if one.figure.section == "pyramid"
    }
    top = 4.5
    half, middle, foot = 240.0, 280.0, 360.0
    step = foot / len(AGE_BANDS)
    for sex, sign in (("M", -1), ("F", 1)):
        edge = middle + sign * 20
        scale = Scale((0, top), (0, half - 10))
        for value in (1, 2, 3, 4):
            x = edge + sign * scale(value)
            drawing.line(x, 0, x, foot, "grid")
            drawing.text(x, foot + 16, f"{value} %", "tick", "middle")
        outline = []
        for place, age in enumerate(AGE_BANDS):
            y = foot - (place + 1) * step
            share = 100 * found.people[sex, age] / living
            says = f"{_word(sex)} {age} to {age + 4}: {share:.2f} % of the living"
            drawing.rect(edge, y + 1.5, sign * scale(share), step - 3, sex, says)
            wide = published.get((sex, min(age, _LAST_PUBLISHED)), 0.0)
            if age < _LAST_PUBLISHED:
                x = edge + sign * scale(wide)
                outline += [(x, y + step), (x, y)]
        drawing.path(outline, "published-line")
        drawing.text(edge + sign * (half - 10), 12, _word(sex), "label", "start" if sign < 0 else "end")
    for place, age in enumerate(AGE_BANDS):
        if age % 10 == 0:
            drawing.text(middle, foot - place * step - step / 2 + 4, str(age), "tick", "middle")
    drawing.text(middle, foot + 34, "share of the living, five years a bar", "tick", "middle")
    return str(drawing)


def _word(sex: str) -> str:
    return {"M": "men", "F": "women"}[sex]


def curves(found: Survey) -> Iterator[tuple[str, str]]:
    """For each condition its name, and its share over age with the published shares of bands of age."""
    for key, name in CURVES.items():
        figures = [
            one
            for one in found.comparisons
            if one.figure.measure == "has" and one.figure.of == (key,) and not one.figure.given
        ]
        yield name, _curve(found, key, [one.figure for one in figures if one.figure.sex == "B"])


def _curve(found: Survey, key: str, figures: list[Figure]) -> str:
    drawing = Drawing(300, 170, f"Share with {key} over age")
    shares = {
        sex: [(decade + 5, found.curves.get((key, sex, decade), Share())) for decade in DECADES] for sex in ("M", "F")
    }
    both = [_sum(*(found.curves.get((key, sex, decade)) for sex in "MF")) for decade in DECADES]
    narrow = [figure for figure in figures if figure.ages[0] > _GROWN_UP or figure.ages[1] < _FOREVER]
    bands = narrow or figures  # what is told of all adults says little beside what is told of ages
    values = [share.hits / share.n for rows in shares.values() for _, share in rows if share.n]
    tops = [*values, *(figure.value / 100 for figure in bands), 0.004]
    marks = ticks(100 * max(tops), 3)
    x, y = Scale((0, 90), (34, 292)), Scale((0, marks[-1]), (146, 10))
    for value in marks:
        drawing.line(34, y(value), 292, y(value), "grid")
        drawing.text(30, y(value) + 3.5, f"{value:g} %", "tick", "end")
    for age in range(0, 91, 15):
        drawing.text(x(age), 162, str(age), "tick", "middle")
    known = [(decade + 5, one) for decade, share in zip(DECADES, both, strict=True) if (one := share.interval())]
    upper = [(x(age), y(100 * one.high)) for age, one in known]
    lower = [(x(age), y(100 * one.low)) for age, one in reversed(known)]
    drawing.area(upper + lower, "ribbon")
    for figure in bands:
        _published(drawing, figure, x, y)
    for sex, rows in shares.items():
        drawing.path([(x(age), y(100 * share.hits / share.n)) for age, share in rows if share.n], f"thin {sex}-line")
    drawing.path([(x(age), y(100 * one.value)) for age, one in known], "ours-line")
    return str(drawing)


def _published(drawing: Drawing, figure: Figure, x: Scale, y: Scale) -> None:
    first, last = figure.ages[0], min(figure.ages[1] + 1, 90)
    says = f"{figure.value:g} % of {figure.population}, {figure.year}"
    top, foot = y(figure.value + figure.within), y(figure.value - figure.within)
    drawing.rect(x(first), top, x(last) - x(first), foot - top, "tolerance", says)
    drawing.line(x(first), y(figure.value), x(last), y(figure.value), "published-line", says)


def _sum(*parts: Share | None) -> Share:
    whole = Share()
    for part in parts:
        if part is not None:
            whole.hits, whole.n = whole.hits + part.hits, whole.n + part.n
    return whole


def surnames(found: Survey, shown: int = 15) -> str:
    """The commonest family names, and where the census puts those that are published."""
    drawing = Drawing(560, 24 * shown + 30, "Commonest family names")
    published = {one.figure.of[0]: one.figure.value for one in found.comparisons if one.figure.measure == "named"}
    common = sorted(found.families.items(), key=lambda pair: (-pair[1], pair[0]))[:shown]
    people = max(1, found.families.total())
    top = max([100 * count / people for _, count in common] + list(published.values()))
    marks = ticks(top)
    x = Scale((0, marks[-1]), (110, 540))
    for value in marks:
        drawing.line(x(value), 0, x(value), 24 * shown, "grid")
        drawing.text(x(value), 24 * shown + 16, f"{value:g} %", "tick", "middle")
    for place, (name, count) in enumerate(common):
        y, share = 24 * place, 100 * count / people
        drawing.text(102, y + 16, name, "label", "end")
        drawing.rect(x(0), y + 4, x(share) - x(0), 16, "ours", f"{name}: {share:.2f} %")
        if name in published:
            at = x(published[name])
            drawing.line(at, y + 1, at, y + 23, "published-line", f"{name}: {published[name]:.2f} % in the census")
    return str(drawing)
