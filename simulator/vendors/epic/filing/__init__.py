"""Filing: what Epic takes in, and what it answers.

The answer to a create has no body: the id comes in `Location` alone (E21). What is kept differs from what was sent
(E22), nothing tells a repeated request from a second one (E23), and the last writer wins. Each file beside this one
takes one type; what a site can hold a licence for and we cannot keep is our gap (501).

Source: SOURCES.md, "Writing" (MAP, CS; status, `Location` and most rules: guess).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.exchange import Exchange, Reply
from simulator.fhir import writes
from simulator.population.records import Record
from simulator.refusal import NotSimulated, Refusal
from simulator.vendors.epic import errors, ids, licences, paths, resources
from simulator.vendors.epic.filing import allergy, condition, document, observation, patient
from simulator.vendors.epic.filing.filing import Filing
from simulator.vendors.epic.ids import Named


@dataclass(frozen=True, slots=True)
class Filer:
    """How one type is taken in. Each function gives the record that the resource's id names.

    `create` keeps something new, `update` changes what an id names; None: Epic does not, or we do not.
    """

    create: Callable[[Filing], Record]
    update: Callable[[Filing, Named], Record] | None = None


_SHOWN = 10  # flaws of one kind that an answer lists, at most
FILERS: dict[str, Filer] = {
    "AllergyIntolerance": Filer(allergy.create),
    "Condition": Filer(condition.create),
    "DocumentReference": Filer(document.create, document.update),
    "Observation": Filer(observation.create, observation.update),
    "Patient": Filer(patient.create),
}


def create(x: Exchange) -> Reply:
    """A new resource: 201, nothing in the body, the id in `Location`.

    Raises:
        NotSimulated: a type that Epic takes and we cannot keep.
        Refusal: in Epic's words, see `Filing`.
    """
    type = x.route.args[0] if x.route else ""
    licences.check(x.site, type)
    filer = FILERS.get(type)
    if filer is None:
        raise NotSimulated(f"Epic's {type}.Create")
    filing = Filing(x, type, _body(x, type, None))
    kept = filer.create(filing)
    id = _id_of(x, type, filing.number_of(kept), kept)
    x.notes["written"] = [type, id]
    return Reply(201, b"", _location(x, type, id), served=((type, id),))


def update(x: Exchange) -> Reply:
    """Another version of a resource: 200 without a body (guess). `If-Match` counts for nothing: the last writer wins.

    Raises:
        NotSimulated: a type that Epic changes and we cannot.
        Refusal: in Epic's words; not_found for an id that names nothing: nobody is created by an update.
    """
    type, id = x.route.args if x.route else ("", "")
    licences.check(x.site, type)
    change = FILERS[type].update if type in FILERS else None
    if change is None:
        raise NotSimulated(f"Epic's {type}.Update")
    wanted = ids.named(x.site.key, id)
    if wanted is None or wanted.type != type or resources.payload_of(x.site, wanted) is None:
        raise Refusal("not_found", f"no {type}/{id}", reason="unknown_id", resource=type, id=id)
    filing = Filing(x, type, _body(x, type, id), action="u")
    change(filing, wanted)
    x.notes["written"] = [type, id]
    return Reply(200, b"", served=((type, id),))


def _body(x: Exchange, type: str, id: str | None) -> writes.Json:
    """The resource that was sent, well shaped. What R4 does not have counts for nothing, and is named beside a flaw."""
    try:
        resource = writes.resource_of(x.body, x.header("content-type"))
        writes.check(resource, type, id)
    except Refusal as flaw:
        if flaw.kind == "unsupported":
            raise
        raise errors.refused_body(flaw) from None
    found = [(flaw.what == "unknown", flaw.path.partition(".")[2]) for flaw in writes.flaws(resource)]
    bent = [path for is_unknown, path in found if not is_unknown][:_SHOWN]
    if bent:
        unknown = [errors.unknown_element(path) for is_unknown, path in found if is_unknown][:_SHOWN]
        shown = [errors.issue("fatal", "structure", "59105", f"Not well shaped: {path}", path) for path in bent]
        raise errors.refused([*unknown, *shown], "body_shape", resource=type)
    return resource


def _id_of(x: Exchange, type: str, number: int, kept: Record) -> str:
    if type == "Patient":
        return ids.fhir_id(x.site.key, type, number)
    t = resources.telling(x.site, number)
    told = resources.TOLD[type]
    assert t is not None
    return next(told.id_of(t, item) for item in told.items(t) if item and item[0].ordinal == kept.ordinal)


def _location(x: Exchange, type: str, id: str) -> list[tuple[bytes, bytes]]:
    """Where it is kept; sites whose proxy writes the header anew tell less (setting `create_location`)."""
    forms = {
        "absolute": f"{x.base_url}{paths.FHIR}/{type}/{id}",
        "path": f"{paths.FHIR}/{type}/{id}",
        "relative": f"{type}/{id}",
    }
    return [(b"location", forms[x.site.settings["create_location"]].encode())]
