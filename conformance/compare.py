"""The truth as one vendor tells it: the facts of the patients whom a case asks about, and what must not be held.

A **fact** is one truth record of one patient. A vendor may tell a fact in several places (a telling each, with what it
lost there); one of them is enough. What was taken back, or stands under an id that was merged away, is **stale**: a
vendor still tells it, and an integration that holds it as valid is wrong.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from conformance.exposure import rows_shown
from simulator.auth.withheld import labels_withheld
from simulator.population import answers
from simulator.population.answers import Loss
from simulator.population.chart import typos_of
from simulator.population.kept_from import bears
from simulator.population.records import Observation, Record

if TYPE_CHECKING:
    from simulator.sandbox import Site
    from simulator.vendor import Rendering

Data = Mapping[str, Any]
SourceKey = tuple[str, str, str]


@dataclass(frozen=True)
class Telling:
    """One place where a vendor tells a fact: its source, the expectation, the fields that it lost, the mismatch rows
    that it shows."""

    source: dict[str, str]
    expectation: answers.Expectation
    lost: tuple[str, ...]
    rows: tuple[int, ...] = ()

    @property
    def key(self) -> SourceKey:
        return key_of(self.source)


@dataclass(frozen=True)
class Fact:
    """One truth record: `id` is the same at every vendor (`observation:12`). `is_withheld`: this client does not get
    it, so nobody can hold it who has not looked elsewhere."""

    id: str
    kind: str
    patient: str
    tellings: tuple[Telling, ...]
    is_withheld: bool = False
    is_passing: bool = False  # it was so at the beginning or at the end of a call only: to leave it out is right, too

    @property
    def is_retracted(self) -> bool:
        """Whether it was entered in error: to hold it as such is right, to leave it out is, too."""
        truth = self.tellings[0].expectation.truth
        return "entered-in-error" in (truth.get("status"), truth.get("verification"))


@dataclass
class Truth:
    """The facts of the patients that a case asks about, by patient number.

    stale          per patient the sources behind which nothing true stands
    aside          per patient the sources that may be held and need not be: they tell no record
    beside         per patient the sources of the facts of kinds that nobody asked about
    registrations  the patient number behind each id
    persons        who each patient number is: registrations of one human being have one name
    moments        per call, by its place, what was so while it ran, where that is not what is so at the end of the case
    """

    facts: dict[int, tuple[Fact, ...]] = field(default_factory=dict)
    stale: dict[int, frozenset[SourceKey]] = field(default_factory=dict)
    aside: dict[int, frozenset[SourceKey]] = field(default_factory=dict)
    beside: dict[int, frozenset[SourceKey]] = field(default_factory=dict)
    registrations: dict[str, int] = field(default_factory=dict)
    persons: dict[int, int] = field(default_factory=dict)
    moments: dict[int, Truth] = field(default_factory=dict)

    def take(self, other: Truth) -> None:
        """Takes over the patients of another one."""
        self.facts |= other.facts
        self.stale |= other.stale
        self.aside |= other.aside
        self.beside |= other.beside
        self.registrations |= other.registrations
        self.persons |= other.persons

    def during(self, call: int) -> Truth:
        """What was so while a call ran."""
        return self.moments.get(call, self)


def key_of(source: Data) -> SourceKey:
    return (str(source.get("type") or ""), str(source.get("id") or ""), str(source.get("part") or ""))


def truth_of(
    site: Site,
    numbers: Iterable[int],
    *,
    kinds: Container[str] | None = None,
    with_rows: bool = False,
    client_id: str = "",
) -> Truth:
    """What a perfect integration would hold of these patients, read from this vendor: the facts of `kinds`, by default
    of all. `with_rows` says of each telling which mismatch rows it shows, `client_id` who asks: sensitive records may
    be withheld from it."""
    truth = Truth()
    labels = labels_withheld(site, client_id) if client_id else frozenset()
    for number in numbers:
        key = _key_of(site, number)
        told = _kept((key, "told"), partial(_told, site, number))
        truth.facts[number] = tuple(_facts_of(site, number, told, key, kinds, with_rows, labels))
        truth.stale[number], truth.aside[number] = told.stale, told.aside
        truth.beside[number] = frozenset(
            source for kind, source in told.sources if kinds is not None and kind not in kinds
        )
        truth.registrations.update(dict.fromkeys(told.ids.values(), number))
        truth.persons[number] = site.sandbox.world.human(number)
        for one, their_ids in told.merged.items():  # whom the vendor tells as one an integration holds as one
            truth.registrations.update(dict.fromkeys(their_ids.values(), one))
            truth.persons[one] = truth.persons[number]
    return truth


@dataclass(frozen=True, slots=True)
class _Told:
    """What one vendor tells of one patient; `sources` are those of the facts with their kinds, `merged` the ids of each
    who was merged into the patient."""

    renderings: tuple[Rendering, ...]
    stale: frozenset[SourceKey]
    aside: frozenset[SourceKey]
    sources: tuple[tuple[str, SourceKey], ...]
    ids: Mapping[str, str]
    merged: Mapping[int, Mapping[str, str]]


def _told(site: Site, number: int) -> _Told:
    merged = {one: site.vendor.patient_ids(site, one) for one in site.sandbox.world.merged_into(number)}
    dead = {id for ids in merged.values() for id in ids.values()}
    renderings = tuple(_with_dirt(site, number, site.vendor.renderings(site, number)))
    return _Told(
        renderings=renderings,
        stale=frozenset(
            (one.type, one.id, "") for one in renderings if not one.records and _is_taken_back(one.payload)
        ),
        aside=frozenset((one.type, one.id, "") for one in renderings if one.is_aside),
        sources=tuple((r.kind, key_of(_source(site, one, r))) for one in renderings for r in one.records),
        ids={name: id for name, id in site.vendor.patient_ids(site, number).items() if id not in dead},
        merged=merged,
    )


def _facts_of(
    site: Site, number: int, told: _Told, key: Hashable, kinds: Container[str] | None, with_rows: bool,
    labels: frozenset[str],
) -> Iterator[Fact]:  # fmt: skip
    """The facts of the asked kinds, kind by kind."""
    asked = [kind for kind in dict.fromkeys(kind for kind, _ in told.sources) if kinds is None or kind in kinds]
    withheld: list[Fact] = []
    for kind in asked:
        make = partial(_facts_told, site, number, told, frozenset((kind,)), with_rows, labels)
        facts = _kept((key, kind, with_rows, labels), make)
        if labels:
            withheld += [fact for fact in facts if fact.is_withheld]
        else:
            yield from facts
    if labels:  # what is left is told without what pointed to the rest
        with site.kept_from(labels):
            left = list(_with_dirt(site, number, site.vendor.renderings(site, number)))
            yield from _facts(site, number, told.ids, left, kinds, with_rows, frozenset())
        yield from withheld


def _facts_told(
    site: Site, number: int, told: _Told, kinds: frozenset[str], with_rows: bool, labels: frozenset[str]
) -> tuple[Fact, ...]:
    return tuple(_facts(site, number, told.ids, told.renderings, kinds, with_rows, labels))


# What is told in the same way to many cases

_Made = TypeVar("_Made")
_KEPT: OrderedDict[Hashable, Any] = OrderedDict()
_MOST_KEPT = 512
_KEEPING = threading.Lock()
_SAME_TOLD = frozenset(("max_page", "largest_page", "withhold_scopes", "rotate_refresh", "assertion_rules", "password"))
"""Settings that change how a vendor is asked, never what it tells."""


def _key_of(site: Site, number: int) -> Hashable:
    """Equal for patients of whom the same is told in the same way; None when anything was written: it may show in the
    charts of others. Every case has a sandbox of its own, and in most of them nothing is written, and nothing happens
    since the beginning."""
    world, people = site.sandbox.world, site.sandbox.world.population
    if world.writes:
        return None
    settings = sorted((name, repr(value)) for name, value in site.settings.items() if name not in _SAME_TOLD)
    moved = world.stamp(number), world.stamp(number, "patient"), world.departed(number), world.merged_into(number)
    whom = site.vendor.id, site.key, people.size, people.as_of, repr(people.dirt), number
    return (*whom, site.as_of, tuple(settings), site.desk.glass.degree(world, number), moved)


def _kept(key: tuple[Hashable, ...], make: Callable[[], _Made]) -> _Made:
    """What `make` gives, made once for a key whose first part is not None."""
    if key[0] is None:
        return make()
    with _KEEPING:
        if key in _KEPT:
            _KEPT.move_to_end(key)
            found: _Made = _KEPT[key]
            return found
    made = make()
    with _KEEPING:
        _KEPT[key] = made
        if len(_KEPT) > _MOST_KEPT:
            _KEPT.popitem(last=False)
    return made


def add_moments(
    truth: Truth,
    site: Site,
    spans: Mapping[int, tuple[int, datetime, datetime]],
    *,
    kinds: Container[str] | None = None,
    with_rows: bool = False,
    client_id: str = "",
) -> None:
    """Writes down what was so during the calls for whose patients something has happened since: a case may turn the
    clock. A span is a patient, and the sandbox time at the beginning and at the end of a call."""
    world = site.sandbox.world
    for call, (number, first, last) in spans.items():
        if world.has_moved(number, first):
            ends = []
            for at in (first, last):
                with world.as_of(at):
                    ends.append(truth_of(site, [number], kinds=kinds, with_rows=with_rows, client_id=client_id))
            truth.moments[call] = _during(*ends)


def _during(before: Truth, after: Truth) -> Truth:
    """What was so at the beginning or at the end: a fact that changed may be held either way."""
    merged = Truth(registrations=before.registrations, persons=before.persons)
    for number, facts in before.facts.items():
        earlier, later = ({fact.id: fact for fact in one} for one in (facts, after.facts[number]))
        merged.facts[number] = tuple(_either(earlier.get(id), later.get(id)) for id in {**earlier, **later})
        told = {telling.key for fact in merged.facts[number] for telling in fact.tellings}
        merged.stale[number] = (before.stale[number] | after.stale[number]) - told
        merged.aside[number] = before.aside[number] | after.aside[number]
        merged.beside[number] = before.beside[number] | after.beside[number]
    return merged


def _either(before: Fact | None, after: Fact | None) -> Fact:
    if before is None or after is None:
        found = before or after
        assert found is not None
        return replace(found, is_passing=True)
    return before if before == after else replace(before, tellings=(*before.tellings, *after.tellings))


def _with_dirt(site: Site, number: int, renderings: Iterable[Rendering]) -> list[Rendering]:
    """The renderings, with a loss beside each value that is known to be wrong: it is told as it stands."""
    population = site.sandbox.world.population
    life = site.sandbox.world.human(number)  # who is on file twice has one life, in which each ordinal occurs once
    typos = {one.ordinal: one.what for one in typos_of(population, life)} if life < population.size else {}

    def dirtied(rendering: Rendering) -> Rendering:
        found = [
            (index, Loss("value.number", "dirtied", typos[record.ordinal]))
            for index, record in enumerate(rendering.records)
            if isinstance(record, Observation) and record.ordinal in typos
        ]
        return replace(rendering, losses=(*rendering.losses, *found)) if found else rendering

    return [dirtied(one) for one in renderings]


def _is_taken_back(payload: Data) -> bool:
    """Whether a resource says itself that nothing true stands behind it: entered in error, or merged away."""
    verification = (payload.get("verificationStatus") or {}).get("coding") or ()
    said = {payload.get("status"), payload.get("docStatus"), *(one.get("code") for one in verification)}
    links = payload.get("link") or ()
    return "entered-in-error" in said or any(one.get("type") == "replaced-by" for one in links)


def _facts(
    site: Site, number: int, ids: Mapping[str, str], renderings: Iterable[Rendering], kinds: Container[str] | None,
    with_rows: bool, labels: frozenset[str],
) -> Iterator[Fact]:  # fmt: skip
    found: dict[str, tuple[str, list[Telling]]] = {}
    withheld: set[str] = set()
    for rendering in renderings:
        for index, record in enumerate(rendering.records):
            if not _is_asked(record, kinds):
                continue
            _, tellings = found.setdefault(f"{record.kind}:{record.ordinal}", (record.kind, []))
            tellings.append(_telling(site, number, ids, rendering, index, record, with_rows))
            if bears(record, labels):
                withheld.add(f"{record.kind}:{record.ordinal}")
    return (Fact(id, kind, str(number), tuple(tellings), id in withheld) for id, (kind, tellings) in found.items())


def _is_asked(record: Record, kinds: Container[str] | None) -> bool:
    return kinds is None or record.kind in kinds


def _source(site: Site, rendering: Rendering, record: Record) -> dict[str, str]:
    source = {"vendor": site.vendor.id, "type": rendering.type, "id": rendering.id}
    if len(rendering.records) > 1 and isinstance(record, Observation):
        source["part"] = record.code.code
    return source


def _telling(
    site: Site, number: int, ids: Mapping[str, str], rendering: Rendering, index: int, record: Record, with_rows: bool
) -> Telling:
    world = site.sandbox.world
    losses = tuple(loss for at, loss in rendering.losses if at == index)
    source = _source(site, rendering, record)
    expectation = answers.expected(
        record,
        losses,
        chart=world.chart(number),
        world=world,
        source=source,
        patient={"vendor": site.vendor.id, "id": next(iter(ids.values())), "also": list(ids.values())},
    )
    rows = rows_shown(expectation, rendering.payload) if with_rows else ()
    return Telling(source, expectation, tuple(sorted({one.field for one in losses if one.how != "dirtied"})), rows)
