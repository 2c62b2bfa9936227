"""`Patient/$match`: who somebody is, by everything that is known of them; the answer grades its certainty.

One hit that is certain is given alone. Of hits that are not, a single one is given; several are as good as none.

Source: SOURCES.md, "Search" (CS: that it exists; FHIR R4 patient-operation-match: parameters, score and grade; what is
certain, and that several uncertain hits give nothing: guess).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from simulator.exchange import Exchange, Reply
from simulator.fhir import bundle, writes, xml
from simulator.fhir.writes import Json
from simulator.population.ranks import fold
from simulator.population.records import Person
from simulator.refusal import Refusal
from simulator.vendors.epic import answers, errors, ids, masks, media, paths, patients, search, sight, store
from simulator.vendors.epic.query import read_query
from simulator.vendors.epic.resources.identifiers import number_of_identifier


class Hit(NamedTuple):
    """Somebody who may be meant: `grade` is certain, probable or possible."""

    number: int
    score: str
    grade: str


def match(x: Exchange) -> Reply:
    """The answer to a Parameters resource with `resource`, `onlyCertainMatches` and `count`.

    Raises:
        Refusal: malformed with issues: no Parameters, no patient in them.
    """
    asked = _parameters(x)
    wanted, only_certain = asked["resource"], asked.get("onlyCertainMatches") is True
    hits = {hit.number: hit for hit in _hits(x, wanted)}
    certain = [hit for hit in hits.values() if hit.grade == "certain"]
    chosen = certain if len(certain) == 1 else [] if only_certain or len(hits) > 1 else list(hits.values())
    by_id = {ids.fhir_id(x.site.key, "Patient", hit.number): hit for hit in chosen[: asked.get("count", 10)]}
    return _told(x, {id: by_id[id] for id in sight.seen(x, "Patient", "s", list(by_id))})


def _parameters(x: Exchange) -> dict[str, Any]:
    """The parameters by name: the patient looked for, and the first value of every other one."""
    try:
        body = writes.resource_of(x.body, x.header("content-type"))
        writes.check(body, "Parameters")
    except Refusal as flaw:
        raise flaw if flaw.kind == "unsupported" else errors.refused_body(flaw) from None
    found: dict[str, Any] = {}
    for part in body.get("parameter", ()) if isinstance(body.get("parameter"), list) else ():
        if isinstance(part, dict) and isinstance(part.get("name"), str):
            values = [value for name, value in part.items() if name.startswith("value")]
            found.setdefault(part["name"], part.get("resource", values[0] if values else None))
    patient = found.get("resource")
    if not isinstance(patient, dict) or patient.get("resourceType") != "Patient" or _bent(patient):
        raise errors.refused(
            [errors.issue("fatal", "required", "59108", "Must have a Patient as resource.", "resource")],
            "match_resource", "Patient",
        )  # fmt: skip
    count = found.get("count")
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
        raise errors.refused(errors.bad_value("count", str(count)), "match_count", "Patient")
    return {name: value for name, value in found.items() if value is not None}


def _bent(patient: Json) -> bool:
    return any(flaw.what != "unknown" for flaw in writes.flaws(patient))


def _hits(x: Exchange, wanted: Json) -> Iterator[Hit]:
    """Everybody who may be meant: those with one of the identifiers, and those of the same name and birth date."""
    world = x.sandbox.world
    named = set(_by_identifier(x, wanted))
    for number in dict.fromkeys([*sorted(named), *_by_name(x, wanted)]):
        person = world.person(number)
        if person is not None:
            yield _graded(person, wanted, has_identifier=number in named)


def _by_identifier(x: Exchange, wanted: Json) -> Iterator[int]:
    for one in wanted.get("identifier", ()):
        kind = one.get("system") or one.get("type", {}).get("text")
        number = number_of_identifier(x.site, kind, one.get("value", "")) if one.get("value") else None
        if number is not None:
            yield number


def _by_name(x: Exchange, wanted: Json) -> Iterator[int]:
    """Those who bear a name that sounds alike, and were born on the same day."""
    names = [one for one in wanted.get("name", ()) if one.get("family") and one.get("given")]
    if not names or not wanted.get("birthDate"):
        return
    pairs = [("family", names[0]["family"]), ("given", str(names[0]["given"][0])), ("birthdate", wanted["birthDate"])]
    for id in patients.find(x, read_query("Patient", pairs)):
        found = ids.named(x.site.key, id)
        if found is not None:
            yield found.number


def _graded(person: Person, wanted: Json, *, has_identifier: bool) -> Hit:
    """How sure it is: name, birth date and sex, and something that is this person's own."""
    name: Json = next(iter(wanted.get("name", ())), {})
    given = str(next(iter(name.get("given") or [""]), "") or "")
    is_named = fold(name.get("family", "")) == fold(person.family) and fold(given) == fold(person.given[0])
    is_born = wanted.get("birthDate") == person.birth
    fits = is_named and is_born and wanted.get("gender") in (None, person.gender)
    own = has_identifier or _is_reached(person, wanted)
    if fits and own:
        return Hit(person.number, "1.0" if has_identifier else "0.95", "certain")
    if fits:
        return Hit(person.number, "0.8", "probable")
    return Hit(person.number, "0.6" if is_born else "0.4", "possible")


def _is_reached(person: Person, wanted: Json) -> bool:
    """Whether a phone number, an e-mail address or the home is the person's."""
    contacts = (one.get("value", "") for one in wanted.get("telecom", ()))
    homes = {(fold(line), one.zip) for one in person.addresses for line in one.lines[:1]}
    lived = {
        (fold(one["line"][0]), one.get("postalCode", "")[:5]) for one in wanted.get("address", ()) if one.get("line")
    }
    return any(value and patients.has_contact(person, value) for value in contacts) or bool(homes & lived)


def _told(x: Exchange, hits: dict[str, Hit]) -> Reply:
    form, content_type = media.negotiated(x.header("accept"))
    writer: Any = bundle if form == "json" else xml
    base = f"{x.base_url}{paths.FHIR}/Patient/"
    bodies = [
        (id, masks.told(x, "Patient", id, body, form)) for id, body in store.listed(x.site, "Patient", hits, form)
    ]
    entries = [
        writer.entry(base + id, body, "match", links=[("self", base + id)], score=hits[id].score, grade=hits[id].grade)
        for id, body in bodies
    ]
    issues = [*(() if bodies else (search.nothing_found(),)), *masks.remark(x)]
    if issues:
        entries.append(answers.said(x, form, issues, "match", x.body.hex()))
    links = [("self", f"{base}$match")]
    answer = writer.searchset(entries=entries, links=links, total=len(bodies))
    return Reply(200, answer, [(b"content-type", content_type)], served=tuple(("Patient", id) for id, _ in bodies))
