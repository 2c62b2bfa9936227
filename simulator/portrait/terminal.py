"""A survey as a table that fits a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.population.statistics.estimate import Share
from simulator.population.statistics.figures import Comparison
from simulator.population.statistics.tally import Survey
from simulator.portrait.words import FURTHER, SECTIONS, found, interval, number, summary, whom

_SUMMED_UP = ("pyramid", "names")  # too many rows to be told one by one
_MARKS = {"within": "ok", "unsure": "?", "outside": "OUTSIDE", "none": "-"}


def table(survey: Survey) -> Iterator[str]:
    """The lines of the table."""
    yield f"{'':42}{'found':>9}  {'99 % interval':18}{'published':>10}  {'':8}source"
    for section, title in SECTIONS.items():
        rows = [one for one in survey.comparisons if one.figure.section == section]
        if not rows:
            continue
        yield title
        if section in _SUMMED_UP:
            bad = [one for one in rows if one.verdict != "within"]
            yield f"  {len(rows) - len(bad)} of {len(rows)} within tolerance"
            rows = bad if section == "names" else []
        yield from (_row(one) for one in rows)
    yield "Not on record"
    for name, share in survey.absences.items():
        yield from _share(survey, name, name, share)
    yield "More than one number"
    for kind, share in survey.further.items():
        yield from _share(survey, FURTHER[kind], kind, share)
    yield "Records of a patient"
    for kind, counts in survey.records.items():
        if set(counts) - {0} and kind != "patient":
            low, middle, high = (survey.quantile(kind, share) for share in (5, 50, 95))
            yield f"  {kind:40}{middle:>9,}  {f'5 to 95 %: {low:,} to {high:,}'}"
    yield ""
    yield summary(survey.verdicts())


def _share(survey: Survey, words: str, name: str, share: Share) -> Iterator[str]:
    """A share beside its setting; nothing when nobody was asked."""
    told = share.interval()
    if told is not None:
        wanted = f"{100 * survey.settings[name]:.3g} %" if name in survey.settings else ""
        yield f"  {words:40}{100 * told.value:>8.3g} %{100 * told.low:>7.3g} to {100 * told.high:<9.3g}{wanted:>10}"


def _row(one: Comparison) -> str:
    figure = one.figure
    unit = "" if figure.unit == "%" else f" {figure.unit}"
    name = f"{figure.title}, {whom(figure)}{unit}" if figure.section != "names" else figure.title
    published = f"{number(figure.value)}"
    source = f"{figure.mark:6}{figure.year}"
    return f"  {name[:40]:40}{found(one):>9}  {interval(one):18}{published:>10}  {_MARKS[one.verdict]:8}{source}"
