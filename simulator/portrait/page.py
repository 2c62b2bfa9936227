"""A survey as one HTML file that needs nothing else: no script, no network, day, night and paper."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from simulator.population.names import SMALL_UNTIL
from simulator.population.statistics.figures import Comparison
from simulator.population.statistics.tally import Survey
from simulator.portrait import people, use
from simulator.portrait.svg import Drawing, Scale
from simulator.portrait.words import SECTIONS, VERDICTS, found, interval, number, summary, whom

_RATIOS = (0.4, 2.5)


def page_of(survey: Survey, again: str) -> str:
    """The HTML document; `again` is the command that makes it anew."""
    return _template().render(**_context(survey, again))


@cache
def _template() -> Template:
    text = files("simulator.portrait").joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(text)


def _context(survey: Survey, again: str) -> dict[str, Any]:
    verdicts = survey.verdicts()
    sections = [
        (title, [_row(one) for one in survey.comparisons if one.figure.section == section])
        for section, title in SECTIONS.items()
        if section not in ("pyramid", "names")
    ]
    return {
        "survey": survey,
        "again": again,
        "summary": summary(verdicts),
        "tiles": _tiles(survey),
        "verdicts": [(name, VERDICTS[name], verdicts[name]) for name in VERDICTS if verdicts[name]],
        "pyramid": Markup(people.pyramid(survey)),
        "curves": [(name, Markup(drawn)) for name, drawn in people.curves(survey)],
        "surnames": Markup(people.surnames(survey)),
        "small_until": SMALL_UNTIL,
        "records": Markup(use.records(survey)),
        "visits": Markup(use.visits(survey)),
        "deaths": Markup(use.deaths(survey)),
        "absences": Markup(use.absences(survey)),
        "further": Markup(use.further(survey)),
        "sections": [(title, rows) for title, rows in sections if rows],
        "ratios": Markup(_ratio_axis()),
    }


def _tiles(survey: Survey) -> list[tuple[str, str]]:
    """The headline numbers."""
    ages, conditions = survey.ages.interval(), survey.conditions.interval()
    encounters = sum(rate.events for rate in survey.visits.values())
    years = sum(rate.exposure for (name, _), rate in survey.visits.items() if name == "office")
    records = sum(number * count for counts in survey.records.values() for number, count in counts.items())
    return [
        (f"{survey.size:,}", "patients, computed not stored"),
        (f"{survey.sample:,}", "charts looked at"),
        (f"{ages.value:.1f}" if ages else "-", "mean age in years"),
        (f"{conditions.value:.1f}" if conditions else "-", "conditions a person now"),
        (f"{encounters / years:.1f}" if years else "-", "encounters a year"),
        (f"{records / max(1, survey.sample):,.0f}", "records a chart"),
    ]


def _row(one: Comparison) -> dict[str, Any]:
    figure = one.figure
    return {
        "title": figure.title,
        "whom": whom(figure),
        "unit": figure.unit,
        "found": found(one),
        "interval": interval(one),
        "published": number(figure.value),
        "within": number(figure.within),
        "strip": Markup(_strip(one)),
        "verdict": one.verdict,
        "says": VERDICTS[one.verdict],
        "population": figure.population,
        "year": figure.year,
        "url": figure.url,
        "mark": figure.mark,
        "note": figure.note,
    }


def _strip(one: Comparison) -> str:
    """The estimate as a multiple of the published value, on a logarithmic strip with the tolerance shaded."""
    drawing = Drawing(240, 18, f"{one.figure.title}: found over published")
    x = Scale(_RATIOS, (4, 236), log=True)
    for ratio in (0.5, 2.0):
        drawing.line(x(ratio), 2, x(ratio), 16, "grid")
    value, within = one.figure.value, one.figure.within
    low = x(max(1 - within / value, 0.01))
    drawing.rect(low, 2, x(1 + within / value) - low, 14, "tolerance")
    drawing.line(x(1.0), 0, x(1.0), 18, "published-line")
    if one.estimate is not None:
        look = f"mark-{one.verdict}"
        first, last = (max(bound / value, 1e-6) for bound in (one.estimate.low, one.estimate.high))
        drawing.line(x(first), 9, x(last), 9, f"whisker {look}")
        drawing.dot(x(max(one.estimate.value / value, 1e-6)), 9, 4, look)
    return str(drawing)


def _ratio_axis() -> str:
    drawing = Drawing(240, 14, "found over published")
    x = Scale(_RATIOS, (4, 236), log=True)
    for ratio, words in ((0.5, "half"), (1.0, "as published"), (2.0, "twice")):
        drawing.text(x(ratio), 11, words, "tick", "middle")
    return str(drawing)
