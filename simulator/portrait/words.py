"""How figures and verdicts are said, in the terminal and on the page."""

from __future__ import annotations

from simulator.population.statistics.figures import Comparison, Figure

SECTIONS = {
    "people": "People",
    "conditions": "Conditions",
    "values": "Measurements",
    "medication": "Treatment",
    "prevention": "Vaccines and allergies",
    "use": "Use of care",
    "deaths": "Deaths",
    "dirt": "What nobody wrote down",
    "pyramid": "Age pyramid",
    "names": "Family names",
}
"""The sections of published.csv in the order in which they are told."""

FURTHER = {"second_registration": "on file twice", "merged": "merged number"}
"""What it is called to have a further number of a kind."""

VERDICTS = {
    "within": "inside the tolerance",
    "unsure": "outside, but the sample is too small to be sure",
    "outside": "outside the tolerance",
    "none": "nobody to ask",
}


def whom(figure: Figure) -> str:
    """Which ages a figure is about."""
    low, high = figure.ages
    if high >= 120:
        return f"{low} and over" if low else "all ages"
    return f"under {high + 1}" if low == 0 else f"{low} to {high}"


def number(value: float) -> str:
    """Three significant digits, no exponent."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{2 if abs(value) < 10 else 1 if abs(value) < 100 else 0}f}"


def found(one: Comparison) -> str:
    """What the sample says."""
    return number(one.estimate.value) if one.estimate else "-"


def interval(one: Comparison) -> str:
    """Where the population's own value lies."""
    return f"{number(one.estimate.low)} to {number(one.estimate.high)}" if one.estimate else ""


def summary(verdicts: dict[str, int]) -> str:
    """The verdicts in one line."""
    asked = sum(verdicts.values())
    others = ", ".join(f"{verdicts[name]} {name}" for name in ("unsure", "outside", "none") if verdicts.get(name))
    return f"{verdicts.get('within', 0)} of {asked} figures within tolerance" + (f"; {others}" if others else "")
