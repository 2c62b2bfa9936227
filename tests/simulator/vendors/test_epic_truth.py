"""What Epic's resources say is the truth up to the loss that is recorded: of every kind, for everybody of the cast, and
in XML as in JSON.

    truth ─▶ rendering ─▶ reference's reading ─▶ record ═ expectation (truth less loss)
                  └─▶ XML ─▶ the same resource

Over HTTP, with drawn patients and dirty populations: `tests/test_one_truth.py`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from conformance.reference.behaviour import Behaviour
from conformance.reference.epic import EpicMeaning
from simulator.fhir import build, xml
from simulator.population import answers
from simulator.population.cast import roles
from simulator.population.records import Document, Observation, Record
from simulator.vendor import Rendering
from simulator.vendors.epic import VENDOR, ids, resources
from simulator.vendors.epic.resources import TOLD
from tests.simulator.vendors.epic_door import Door
from tests.simulator.vendors.epic_shapes import form_of

Json = dict[str, Any]


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.fixture(scope="module")
def told(door: Door) -> dict[int, list[Rendering]]:
    return {role.number: list(VENDOR.renderings(door.site, role.number)) for role in roles()}


@pytest.mark.slow
def test_what_is_read_is_the_truth_less_the_loss_for_everybody_of_the_cast(
    door: Door, told: dict[int, list[Rendering]]
) -> None:
    meaning = EpicMeaning("epic", Behaviour(), door.site.settings["mappings"])
    kinds = set()
    seen: Counter[Hashable] = Counter()
    for renderings in told.values():
        drugs = {f"{one.type}/{one.id}": one.payload for one in renderings}
        for rendering in renderings:
            if not _is_read(rendering, seen):
                continue
            expected = {part: (record, one) for part, record, one in _expected(door, renderings[0].id, rendering)}
            for fact in _read(door, meaning, rendering, drugs) if expected else ():
                record, expectation = expected.pop(fact.get("source", {}).get("part", ""))
                assert answers.compare(expectation, {**fact, "kind": record.kind}) == [], (record, rendering.payload)
                kinds.add(record.kind)
            assert not expected, f"told, and not read: {rendering.payload}"
    assert kinds == {told.kind for told in TOLD.values() if told.kind} | {"patient"}


def test_xml_says_what_json_says(told: dict[int, list[Rendering]]) -> None:
    """One resource of every shape: what comes back from its XML is the resource."""
    shapes: set[Hashable] = set()
    for renderings in told.values():
        for one in renderings:
            shape = form_of(one.payload)
            if shape not in shapes:
                shapes.add(shape)
                sent = json.loads(build.dumps(one.payload), parse_float=Decimal)
                assert _plain(xml.from_xml(xml.to_xml(one.payload))) == _plain(sent), one.id
    assert len(shapes) > 100


def _is_read(rendering: Rendering, seen: Counter[Hashable]) -> bool:
    """Of what is coded alike and has one form the first three are read, and of the others every fifth."""
    alike = form_of(rendering.payload), *(getattr(record, "key", "") for record in rendering.records)
    seen[alike] += 1
    return seen[alike] <= 3 or seen[alike] % 5 == 0


def _expected(door: Door, patient: str, rendering: Rendering) -> Iterator[tuple[str, Record, answers.Expectation]]:
    """(part, record, expectation) of every record that a resource tells. Of the documents one in six is read."""
    world = door.sandbox.world
    for index, record in enumerate(rendering.records):
        if isinstance(record, Document) and record.ordinal % 6:
            continue
        losses = [loss for at, loss in rendering.losses if at == index]
        chart = world.chart(VENDOR.patient_of(door.site, patient))
        source = {"vendor": "epic", "type": rendering.type, "id": rendering.id}
        about = {"vendor": "epic", "id": patient}
        made = answers.expected(record, losses, chart=chart, world=world, source=source, patient=about)
        yield record.code.code if len(rendering.records) > 1 and isinstance(record, Observation) else "", record, made


def _read(door: Door, meaning: EpicMeaning, rendering: Rendering, told: dict[str, Json]) -> list[Json]:
    """The facts that the reference makes of a resource and of what it points at."""
    resource = json.loads(build.dumps(rendering.payload), parse_float=Decimal)
    if rendering.type == "MedicationRequest":
        resource["_medication"] = told[resource["medicationReference"]["reference"]]
    if rendering.type == "Encounter":
        resource["reasonCode"] = [told[one["condition"]["reference"]]["code"] for one in resource.get("diagnosis", ())]
    if rendering.type == "DocumentReference":
        named = ids.named(door.site.key, resource["content"][0]["attachment"]["url"].partition("/")[2])
        assert named is not None
        content = resources.content_of(door.site, named)
        assert content is not None
        resource["_content"] = content.data
    facts = getattr(meaning, rendering.records[0].kind)(resource)
    return facts if isinstance(facts, list) else [facts]


def _plain(value: Any) -> Any:
    """Numbers by what they are worth."""
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
