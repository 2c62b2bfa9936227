"""Shape comparison: which paths of Epic's recorded answers do ours have as well?

    recorded answer ─▶ {(Observation.code.coding.system, string, "http://loinc.org"), …}  ─┐
    300 patients ────▶ the same of whatever this room tells of that type ──────────────────┴─▶ share, missing paths

A path has no array indices and ends at a scalar; with it goes the JSON type of the value and, for `system` and `url`,
the value itself (not for addresses of single things, which differ by nature).

    python -m tests.simulator.vendors.epic_shapes [TYPE…] [--patients N]     lists shares and missing paths
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from simulator.vendors.epic import ids, resources
from simulator.vendors.epic.dialect import Telling
from simulator.vendors.epic.resources import TOLD
from tests.simulator.vendors.epic_door import Door, read

Json = Any
SAMPLES = Path(os.environ.get("EMR_SHARED", Path(__file__).parents[4] / "shared")) / "samples" / "epic"
PATIENTS = 300
_VALUED = frozenset({"system", "url"})
_ASIDE = frozenset({"_note", "_canonical_submitted", "_iters"})  # what the collector of the samples wrote


class Shape(NamedTuple):
    """One path of a body."""

    path: str
    kind: str  # string | number | boolean | null
    value: str | None = None

    def __str__(self) -> str:
        return f"{self.path} ({self.kind})" + (f" = {self.value}" if self.value is not None else "")


def shapes(value: Json, path: str = "") -> Iterator[Shape]:
    """Every path of `value` that ends at a scalar."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from shapes(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for member in value:
            yield from shapes(member, path)
    else:
        yield _leaf(path, value)


def _leaf(path: str, value: Json) -> Shape:
    name = path.rpartition(".")[2]
    valued = name in _VALUED and isinstance(value, str) and not _is_address(value)
    return Shape(path, _kind(value), value if valued else None)


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number"


def _is_address(url: str) -> bool:
    """Whether a URL names one thing on one server: a Binary, a page, an endpoint."""
    return "/api/FHIR/" in url or "/oauth2/" in url or ("/" in url and ":" not in url)


def form_of(value: Json) -> Hashable:
    """The names in a body, however deep: bodies of one form differ in values only."""
    if isinstance(value, dict):
        inner = ((name, form_of(one)) if isinstance(one, _HOLDERS) else name for name, one in sorted(value.items()))
        return (value.get("resourceType", ""), *inner)
    if isinstance(value, list):
        return frozenset([form_of(one) for one in value])
    return None


_HOLDERS = (dict, list)


# What was recorded


def recorded(folder: Path = SAMPLES) -> dict[str, dict[str, set[Shape]]]:
    """Type → answer (its file) → paths. Entries count for their own type, the frame around them as Bundle."""
    found: dict[str, dict[str, set[Shape]]] = {}
    for file in sorted(folder.glob("r4-*.json")):
        for body in _bodies(json.loads(file.read_text("utf-8"))):
            of_type = found.setdefault(body["resourceType"], {})
            of_type.setdefault(file.name, set()).update(shapes(_alone(body)))
    return found


def _bodies(value: Json) -> Iterator[Json]:
    """The resources in a recording, those inside of others after them."""
    if isinstance(value, dict):
        if "resourceType" in value:
            yield value
        for name, member in value.items():
            if name not in _ASIDE:
                yield from _bodies(member)
    elif isinstance(value, list):
        for member in value:
            yield from _bodies(member)


def _alone(body: Json) -> Json:
    """A body without what the collector added and, of a bundle, without what its entries hold."""
    kept = {name: member for name, member in body.items() if name not in _ASIDE}
    if "entry" in kept:
        kept["entry"] = [{name: one for name, one in each.items() if name != "resource"} for each in kept["entry"]]
    return kept


# What we answer


_ASKED = ("CapabilityStatement", "Bundle", "OperationOutcome")
_REFUSED = (
    "RelatedPerson?patient=x",
    "Observation?patient={patient}",
    "Observation?patient={patient}&category=symptom",
    "Patient?totally-bogus-param=1",
    "Patient/eNothing3",
    "AllergyIntolerance",
    "CarePlan?patient={patient}",
)


def answers(door: Door) -> Iterator[Json]:
    """Bodies that belong to no patient's record: the capability statement, frames of bundles, outcomes."""
    yield read(door.get("metadata"))
    rich, poor = door.fhir_id(door.patient_with(observations=60)), door.fhir_id(door.patient_with())
    for query in (
        f"Observation?patient={rich}&category=vital-signs&_count=2",
        f"Observation?patient={rich}&category=laboratory",
        f"Procedure?patient={rich}&date=1900",
        f"Condition?patient={poor}",
        f"DocumentReference?patient={poor}",
    ):
        bundle = door.bundle(*query.split("?"))
        yield _alone(bundle)
        yield from (one["resource"] for one in bundle.get("entry", ()))
    for query in _REFUSED:
        path, _, parameters = query.format(patient=rich).partition("?")
        answer = door.get(path, parameters)
        if answer.body and (answer.header("content-type") or "").startswith("application/"):
            yield read(answer)


def missing(
    wanted: Mapping[str, Iterable[Shape]], door: Door, *, patients: int = PATIENTS, enough: Mapping[str, float] = {}
) -> dict[str, set[Shape]]:
    """Of each type, the wanted paths that nothing we tell of so many patients has.

    A type is not looked at any further once its share in `enough` is reached.
    """
    looks = {type: _Look(paths, enough.get(type, 1.0)) for type, paths in wanted.items()}
    if any(type in looks for type in _ASKED):
        for body in answers(door):
            if body.get("resourceType") in looks:
                looks[body["resourceType"]].at(body)
    known: set[str] = set()
    for number in range(patients):
        open_types = {type for type, look in looks.items() if not look.is_done and type not in _ASKED}
        if not open_types:
            break
        for type, body in _told(door, number, open_types, known):
            looks[type].at(body)
    return {type: look.left for type, look in looks.items()}


def _told(door: Door, number: int, types: set[str], known: set[str]) -> Iterator[tuple[str, Json]]:
    """Bodies of these types that tell of one patient, and what they refer to that was not referred to before."""
    t = resources.telling(door.site, number)
    assert t is not None
    elsewhere = bool(types - {"Patient", *TOLD})  # reached by references only, from wherever
    for body in told_of(t, None if elsewhere else types):
        if body["resourceType"] in types:
            yield body["resourceType"], body
        for reference in references(body) if elsewhere else ():
            if reference not in known:
                known.add(reference)
                yield from _behind(door, reference, types)


def told_of(t: Telling, types: Iterable[str] | None = None) -> Iterator[Json]:
    """The bodies that tell of one patient, of some types or of all."""
    for type in ("Patient", *TOLD):
        if types is not None and type not in types:
            continue
        if type == "Patient":
            yield resources.patient.render(t).payload
        else:
            yield from (TOLD[type].render(t, item).payload for item in TOLD[type].items(t))


def references(value: Json) -> Iterator[str]:
    """What a body refers to, attachments included."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "reference" or (name == "url" and isinstance(member, str) and member.startswith("Binary/")):
                yield member
            elif isinstance(member, dict | list):
                yield from references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


def _behind(door: Door, reference: str, types: set[str]) -> Iterator[tuple[str, Json]]:
    type, _, id = reference.partition("/")
    wanted = ids.named(door.site.key, id) if type in types and type not in TOLD else None
    body = resources.payload_of(door.site, wanted) if wanted is not None else None
    if body is not None:
        yield type, body


class _Look:
    """The paths of one type that are still looked for, as a tree: a body is walked no further than it may help."""

    def __init__(self, paths: Iterable[Shape], enough: float) -> None:
        self.left = set(paths)
        self._all, self._enough = len(self.left), enough
        self._plant()

    @property
    def is_done(self) -> bool:
        return share(self._all, len(self.left)) >= self._enough

    def at(self, body: Json) -> None:
        """Crosses out what `body` has."""
        found: set[Shape] = set()
        self._walk(body, self._tree, "", found)
        if found & self.left:
            self.left -= found
            self._plant()

    def _plant(self) -> None:
        self._tree: dict[str, Any] = {}
        for shape in self.left:
            branch = self._tree
            for name in shape.path.split("."):
                branch = branch.setdefault(name, {})

    def _walk(self, value: Json, branch: dict[str, Any], path: str, found: set[Shape]) -> None:
        if isinstance(value, list | tuple):
            for member in value:
                self._walk(member, branch, path, found)
        elif isinstance(value, dict):
            for name in branch.keys() & value.keys():
                self._walk(value[name], branch[name], f"{path}.{name}" if path else name, found)
        else:
            found.add(_leaf(path, value))


# The table


def share(all: int, left: int) -> float:
    """The part of `all` that is not left, 0 to 1."""
    return 1.0 if not all else (all - left) / all


def served(door: Door, types: Iterable[str]) -> set[str]:
    """Those of the types that this room tells at all."""
    return {type for type in types if type in resources.SERVED or type in _ASKED}


def wanted_of(answers: Mapping[str, Iterable[Shape]]) -> set[Shape]:
    """Every path of some recorded answers."""
    return {shape for paths in answers.values() for shape in paths}


def table(wanted: Mapping[str, set[Shape]], left: Mapping[str, set[Shape]], *, listed: bool = True) -> str:
    """Shares by type, the worst first, with the missing paths; the last line is the share over all."""
    lines = []
    for type in sorted(wanted, key=lambda one: (share(len(wanted[one]), len(left[one])), one)):
        lines.append(_line(type, len(wanted[type]), len(left[type])))
        lines += [f"    {shape}" for shape in sorted(left[type], key=str)] if listed else []
    lines.append(_line("over all", sum(map(len, wanted.values())), sum(len(left[type]) for type in wanted)))
    return "\n".join(lines)


def _line(name: str, all: int, left: int) -> str:
    return f"{name:<24} {100 * share(all, left):6.1f} %   {all - left} of {all}"


def main() -> None:
    """Prints the table, and which recorded types are not told at all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("types", nargs="*")
    parser.add_argument("--patients", type=int, default=PATIENTS)
    parser.add_argument("--samples", type=Path, default=SAMPLES)
    asked = parser.parse_args()
    door, found = Door(), recorded(asked.samples)
    types = served(door, asked.types or found)
    wanted = {type: wanted_of(found.get(type, {})) for type in types}
    print(table(wanted, missing(wanted, door, patients=asked.patients)))
    others = sorted(set(found) - served(door, found))
    if others:
        print("recorded, and not told by this room:", ", ".join(others))


if __name__ == "__main__":
    main()
