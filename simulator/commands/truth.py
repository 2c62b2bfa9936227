"""`emr-sandbox truth`: what is so, without a server, as records or as statistics over a sample."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click
import orjson

from simulator import collector
from simulator.commands.bare import number_of, sandbox_of
from simulator.commands.flags import json_option, population_options, settings_of
from simulator.control.truth import days_of, defects_told, patient_of, records_of
from simulator.population.cast import FROM_SIZE, PASSWORD, roles
from simulator.population.cohorts import Cohort
from simulator.population.dirt import MILLION
from simulator.population.records import KINDS, Chart
from simulator.population.statistics import Survey, survey
from simulator.population.statistics.tally import to_json
from simulator.population.wanted import wanted_of
from simulator.population.world import World
from simulator.portrait.page import page_of
from simulator.portrait.terminal import table
from simulator.refusal import UsageError
from simulator.settings import Settings

_MANY = {
    "condition": "conditions", "medication": "medications", "consent": "consents", "sensitivity": "sensitivities",
}  # fmt: skip
_ONCE = ("vip", "status", "family", "birthdate")
_SAMPLE = 2_000
_PEOPLE_TO_A_CHART = 10  # who are asked what needs no chart
_FLUSHED = 64  # records written at once


@click.command()
@click.option("--patient", metavar="ID", help="One patient: a number, or an id that a vendor gave.")
@click.option("--count", type=click.IntRange(1), help="At most so many records; all without.")
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Only these kinds of records.")
@click.option(
    "--with",
    "asked",
    metavar="NAME=VALUE",
    multiple=True,
    help="The patients who have it, instead of records: condition=t2dm, medication=, consent=, sensitivity=, vip=true, "
    "status=, family=, birthdate=; several together.",
)
@click.option("--defects", is_flag=True, help="What is wrong with the record of `--patient`, beside what is true.")
@click.option("--cast", "cast", is_flag=True, help="The patients who are written by hand, and what each is for.")
@click.option("--stats", is_flag=True, help="Statistics over a sample instead of records.")
@click.option("--sample", type=click.IntRange(1), help=f"Charts that the statistics look at [default: {_SAMPLE:,}].")
@click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="The statistics as a page.")
@json_option
@population_options
def truth(
    patient: str | None, count: int | None, kinds: tuple[str, ...], asked: tuple[str, ...], defects: bool, cast: bool,
    stats: bool, sample: int | None, page: Path | None, as_json: bool, seed: int, patients: int, as_of: str, dirt: str,
) -> None:  # fmt: skip
    """Canonical records, one a line: what a perfect integration would hold. Or statistics of them."""
    collector.spare()
    settings = settings_of(seed=seed, patients=patients, as_of=as_of, dirt=dirt)
    if asked:
        others = {"--patient": patient, "--kind": kinds, "--defects": defects, "--cast": cast, "--stats": stats,
                  "--sample": sample, "--html": page}  # fmt: skip
        for flag, given in others.items():
            if given:
                raise UsageError(f"`{flag}` does not go with `--with`", "`--count N` gives the first N patients")
        _tell_cohort(settings, asked, count)
        return
    if cast:
        _tell_cast(sandbox_of(settings, vendors=()).world, as_json=as_json)
        return
    if stats or page is not None:
        for flag, given in {"--patient": patient, "--count": count, "--kind": kinds}.items():
            if given:
                raise UsageError(f"`{flag}` does not go with `--stats`", "`--sample N` says how many charts to look at")
        _tell_statistics(settings, min(sample or _SAMPLE, patients), page, as_json=as_json)
        return
    if sample is not None:
        raise UsageError("`--sample` goes with `--stats` only", "`--count N` gives the first N records")
    if defects:
        if not patient:
            raise UsageError("`--defects` needs `--patient`", "emr-sandbox truth --defects --patient 17")
        whole = sandbox_of(settings, vendors=None)
        _write(islice(iter(defects_told(whole, number_of(whole, patient))), count))
        return
    sandbox = sandbox_of(settings, vendors=None if patient and not patient.isdigit() else ())
    numbers: Iterable[int] = (number_of(sandbox, patient),) if patient else range(settings.patients)
    _write(islice(_records(sandbox.world, numbers, kinds), count))


def _tell_cohort(settings: Settings, asked: tuple[str, ...], count: int | None) -> None:
    """The patients who have everything that is asked for, as the control API tells them."""
    given: dict[str, list[str]] = {name: [] for name in (*_MANY, *_ONCE)}
    for one in asked:
        name, equals, value = one.partition("=")
        if name not in given or not equals or (name in _ONCE and given[name]):
            raise UsageError(f"not something to look for: `--with {one}`", f"NAME=VALUE; names: {', '.join(given)}")
        given[name].append(value)
    once = {name: given[name][0] if given[name] else None for name in _ONCE}
    if once["vip"] not in (None, "true", "false"):
        raise UsageError(f"not true or false: `--with vip={once['vip']}`")
    sandbox = sandbox_of(settings)
    wanted = wanted_of(
        **{plural: given[name] for name, plural in _MANY.items()},
        is_vip=None if once["vip"] is None else once["vip"] == "true", status=once["status"],
    )  # fmt: skip
    born = days_of(once["birthdate"]) if once["birthdate"] else None
    found = (step.found for step in Cohort(sandbox.world, wanted, once["family"], born).search())
    numbers = islice((one for one in found if one is not None), count)
    _write((patient_of(sandbox, number) for number in numbers), at_once=1)  # the next one may be long in coming


def _tell_cast(world: World, *, as_json: bool) -> None:
    """The cast of a world, with the keys by which the control API knows them."""
    cast = world.population.cast
    if not len(cast):
        raise UsageError(f"a population of {world.population.size:,} has no cast", f"from {FROM_SIZE:,} patients on")
    people = [(role, cast.person(role.number)) for role in roles()[: len(cast)]]
    if as_json:
        told = [
            {
                "key": str(role.number),
                "role": role.key,
                "name": {"family": person.family, "given": list(person.given)},
                "birth_date": person.birth_date.isoformat(),
                "for": role.purpose,
            }
            for role, person in people
        ]
        logins = [{"login": one.username, "name": one.name, "role": one.role} for one in cast.logins()]
        click.echo(orjson.dumps({"patients": told, "logins": logins, "password": PASSWORD}))
        return
    for role, person in people:
        name = f"{person.given[0]} {person.family}"
        click.echo(f"{role.number:>2}  {name:<48}  {person.birth_date}  {role.purpose}")
    names = ", ".join(f"{one.username} ({one.role})" for one in cast.logins())
    click.echo(f"\nlogins, with the password `{PASSWORD}`: {names}")


def _records(world: World, numbers: Iterable[int], kinds: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for number in numbers:
        yield from records_of(world, number, kinds or KINDS)


def _write(records: Iterator[dict[str, Any]], at_once: int = _FLUSHED) -> None:
    """Lines of JSON, some at a time: one write a record would cost more than the record."""
    stdout = sys.stdout.buffer
    lines = (orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)
    while some := b"".join(islice(lines, at_once)):
        stdout.write(some)
        if at_once == 1:
            stdout.flush()
    stdout.flush()


def _tell_statistics(settings: Settings, sample: int, page: Path | None, *, as_json: bool) -> None:
    world = sandbox_of(settings, vendors=()).world
    population = world.population
    asked = min(_PEOPLE_TO_A_CHART * sample, settings.patients)
    people = (population.person(turn * population.size // asked) for turn in range(asked))
    further = (population.registrations.kinds_of(turn * population.size // asked) for turn in range(asked))
    found = survey(
        _charts(world, sample), people, further, seed=settings.seed, size=settings.patients, as_of=settings.as_of
    )
    rates = {name: f"no_{name}" for name in found.absences} | {kind: kind for kind in found.further}
    found.settings = {name: getattr(population.dirt, rate) / MILLION for name, rate in rates.items()}
    if page is not None:
        _write_page(page, found)
    if as_json:
        click.echo(orjson.dumps(to_json(found)))
    elif page is None:
        for line in table(found):
            click.echo(line)


def _charts(world: World, sample: int) -> Iterator[Chart]:
    """Charts evenly spread over the numbers, which say nothing about the people behind them."""
    size, shown = world.population.size, sys.stderr.isatty()
    for turn in range(sample):
        if shown and turn % 50 == 0:
            click.echo(f"\r{turn:,} of {sample:,} charts", err=True, nl=False)
        yield world.chart(turn * size // sample)
    if shown:
        click.echo("\r" + " " * 40 + "\r", err=True, nl=False)


def _write_page(page: Path, found: Survey) -> None:
    again = ["emr-sandbox", "truth", "--stats", "--seed", str(found.seed), "--patients", str(found.size), "--as-of",
             found.as_of.isoformat(), "--sample", str(found.sample), "--html", page.name]  # fmt: skip
    try:
        page.write_text(page_of(found, shlex.join(again)), encoding="utf-8")
    except OSError as flaw:
        raise UsageError(f"cannot write {page}: {flaw.strerror}") from None
    click.echo(f"written: {page}", err=True)
