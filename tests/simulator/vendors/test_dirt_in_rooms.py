"""Defects as the rooms tell them: at no rate nowhere, at a full rate everywhere, in between where they are drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice

import pytest

from simulator.population.dirt import MILLION, Dirt
from simulator.population.people import Population
from simulator.population.world import World
from simulator.sandbox import Sandbox, Site
from simulator.server import Server
from simulator.settings import AS_OF, Settings
from simulator.vendor import Rendering

VENDORS = ("epic", "cerner", "athena")
FIRST = 40  # those before are the hand-written cast
Dirty = Callable[..., Sandbox]


@pytest.fixture(scope="module")
def server() -> Server:
    return Server(Settings(patients=1_000))


@pytest.fixture
def dirty(server: Server) -> Iterator[Dirty]:
    """Makes sandboxes with the rates given, everything else clean."""
    made: list[str] = []

    def make(**rates: int) -> Sandbox:
        sandbox = server.sandboxes.create(dirt=Dirt.of(dict.fromkeys(_NAMES, 0) | rates))
        made.append(sandbox.id)
        return sandbox

    yield make
    for id in made:
        server.sandboxes.drop(id)


_NAMES = list(Dirt.none().__dataclass_fields__)


@cache
def allergic() -> tuple[int, ...]:
    """Who of the first sixty is allergic to a drug, of those the seven with the shortest charts: each is told whole."""
    clean = World(Population(seed=7, size=1_000, as_of=AS_OF, dirt=Dirt.none()))
    charts = {n: clean.chart(n) for n in range(FIRST, FIRST + 60)}
    found = [n for n in charts if any(a.code.system == "rxnorm" for a in charts[n].allergies)]
    return tuple(sorted(found, key=lambda n: len(charts[n].observations))[:7])


def told(site: Site, kind: str, count: int = 8, numbers: Iterable[int] = ()) -> Iterator[Rendering]:
    for number in numbers or range(FIRST, FIRST + count):
        for one in site.vendor.renderings(site, number):
            if one.records and one.records[0].kind == kind:
                yield one


def people(site: Site, count: int) -> Iterator[Rendering]:
    """The patients as they are told, and nothing that comes after: athena tells each in REST and in FHIR."""
    times = 2 if site.vendor.id == "athena" else 1
    for number in range(FIRST, FIRST + count):
        yield from islice(told(site, "patient", numbers=[number]), times)


def losses(one: Rendering, field: str) -> set[str]:
    return {loss.how for _, loss in one.losses if loss.field == field}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(("rate", "kind"), [("local_labs", "observation"), ("local_drugs", "medication")])
def test_what_nobody_mapped_has_no_standard_code(dirty: Dirty, vendor: str, rate: str, kind: str) -> None:
    seen = 0
    for one in told(dirty(**{rate: MILLION}).sites[vendor], kind):
        record = one.records[0]
        if kind == "observation" and record.category != "laboratory":  # type: ignore[union-attr]
            continue
        if vendor == "athena" and "text_only" not in losses(one, "codes"):
            assert record.panel is not None  # type: ignore[union-attr] # the only analyte of a panel keeps its code
            continue
        code = record.code if kind == "observation" else record.product  # type: ignore[union-attr]
        assert f'"{code.code}"' not in json.dumps(one.payload, default=str)
        assert "text_only" in losses(one, "codes")
        seen += 1
    assert seen > 5


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_unmapped_test_is_unmapped_for_everybody(dirty: Dirty, vendor: str) -> None:
    site = dirty(local_labs=200_000).sites[vendor]
    found: dict[str, set[bool]] = {}
    for one in told(site, "observation"):
        record = one.records[0]
        # What was corrected stands alone in its panel, where athena tells the code of an analyte in any case.
        is_single = len(one.records) == 1 and record.status == "final"  # type: ignore[union-attr]
        if record.category == "laboratory" and is_single:  # type: ignore[union-attr]
            is_local = "text_only" in losses(one, "codes")
            if vendor != "athena" or one.type == "analyte":
                found.setdefault(record.key, set()).add(is_local)  # type: ignore[union-attr]
    assert {key: those for key, those in found.items() if len(those) > 1} == {}
    share = sum(those == {True} for those in found.values()) / len(found)
    assert 0.05 < share < 0.45


@pytest.mark.slow
@pytest.mark.parametrize("vendor", VENDORS)
def test_allergies_may_be_typed_as_words(dirty: Dirty, vendor: str) -> None:
    def coded(site: Site) -> list[bool]:
        return [
            "text_only" not in losses(one, "codes")
            for one in told(site, "allergy", numbers=allergic())
            if not one.records[0].none_known and one.records[0].code.system == "rxnorm"  # type: ignore[union-attr]
        ]

    clean, typed = coded(dirty().sites[vendor]), coded(dirty(free_text=MILLION).sites[vendor])
    assert all(clean)
    assert not any(typed)
    assert len(clean) == len(typed) > 5


@pytest.mark.parametrize("vendor", VENDORS)
def test_why_a_race_is_not_known_is_told_as_the_vendor_can(dirty: Dirty, vendor: str) -> None:
    said = set()
    for one in people(dirty(no_race=MILLION).sites[vendor], 24):
        person = one.records[0]
        reason = person.why_absent("race")  # type: ignore[union-attr]
        if person.race:  # type: ignore[union-attr]
            assert reason == ""
            continue
        words = json.dumps(one.payload)
        said.add((reason, *sorted(loss.detail for _, loss in one.losses if loss.how == "absent")))
        if vendor == "epic":
            assert ('"ASKU"' in words) == (reason == "asked-declined")
            assert ('"UNK"' in words) == (reason != "asked-declined")
        elif one.type == "patient":  # athena's REST side
            assert ("Patient Declined" in words) == (reason == "asked-declined")
    assert {reason for reason, *_ in said} == {"unknown", "asked-declined", "not-asked"}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_birth_date_is_told_as_far_as_it_is_known(dirty: Dirty, vendor: str) -> None:
    seen = set()
    for one in people(dirty(partial_birth_date=MILLION).sites[vendor], 25):
        person = one.records[0]
        shown = one.payload.get("birthDate", one.payload.get("dob"))
        seen.add(person.birth_precision)  # type: ignore[union-attr]
        if person.birth_precision == "day":  # type: ignore[union-attr]
            assert shown
        elif vendor == "athena":  # its form knows whole days only
            assert shown is None
            assert losses(one, "birthDate") == {"omitted"}
        else:
            assert shown == person.birth  # type: ignore[union-attr]
            assert len(shown) in (4, 7)
    assert seen == {"day", "month", "year"}  # children's are whole
