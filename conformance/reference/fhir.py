"""A FHIR R4 server, read with the standard's own rules: searches page by page, resources by id.

A vendor's module overrides what that vendor does otherwise; what resources mean stands in `meaning`.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote, urljoin

from conformance.reference.behaviour import Json, Params
from conformance.reference.failure import Failure
from conformance.reference.login import Logins
from conformance.reference.meaning import Meaning
from conformance.reference.paging import pages_of
from conformance.reference.run import Run
from conformance.reference.session import Call, Session

TYPES = {
    "patient": "Patient",
    "encounter": "Encounter",
    "condition": "Condition",
    "allergy": "AllergyIntolerance",
    "medication": "MedicationRequest",
    "observation": "Observation",
    "immunization": "Immunization",
}
FURTHER = {
    "procedure": "Procedure",
    "document": "DocumentReference",
    "appointment": "Appointment",
    "coverage": "Coverage",
}
"""Kinds that are read where the vendor's server has them."""
_KIND_OF = {type: kind for kind, type in (TYPES | FURTHER).items()}
FHIR_JSON = "application/fhir+json"
_KEPT: dict[str, Json] = {}  # across cases: only a mutant has a key for it


@dataclass(frozen=True)
class PatientRef:
    """Who is meant: `id` is the vendor's id for the patient that records name, `ids` all that is known."""

    id: str
    ids: dict[str, str]

    @classmethod
    def of(cls, patient: Json | str) -> PatientRef:
        """From what `args.patient` holds: a bare id, or `id` and `ids`."""
        known: Json = {"id": patient} if isinstance(patient, str) else patient
        return cls(str(known["id"]), {name: str(id) for name, id in known.get("ids", {}).items()})

    @property
    def fhir_id(self) -> str:
        return self.ids.get("fhir_id", self.id)


class FhirVendor:
    """Reads one vendor's records over FHIR."""

    meaning_of: type[Meaning] = Meaning
    types: ClassVar[Mapping[str, str]] = TYPES
    tells_changes: ClassVar[frozenset[str]] = frozenset()
    """Kinds of which only what changed can be asked for, by `_lastUpdated`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.logins = Logins(session)
        self.vendor = session.config.vendor
        self.behaviour = session.behaviour
        self.settings = session.config.settings
        self.base = str(session.config.urls["fhir_url"]).rstrip("/")
        self.listed: dict[tuple[str, str], Json] = {}  # the sources that the last sync gave
        self.meaning = self.meaning_of(self.vendor, self.behaviour, self.settings.get("mappings", {}))

    async def read(self, run: Run, kind: str, patient: PatientRef) -> list[Json]:
        """All records of one kind.

        Raises:
            Failure: the kind could not be read at all.
        """
        if kind == "patient":
            person = await self._person(run, patient.fhir_id)
            return self.of_person(self.records(run, kind, [person]), patient.fhir_id, patient)
        found: dict[str, Json] = {}
        changed = [("_lastUpdated", run.since[kind])] if kind in run.since else []
        for params in self.searches(self.types[kind]):
            for resource in await self.search(run, self.types[kind], [("patient", patient.fhir_id), *params, *changed]):
                key = self.behaviour.key(resource.get("id", ""), len(found))
                run.drop("duplicate", kind, key in found)
                found[key] = resource
        mine = [resource for resource in found.values() if self._is_about(run, kind, resource, patient)]
        true = [resource for resource in mine if not self.behaviour.is_withdrawn(resource)]
        run.drop("entered_in_error", kind, len(mine) - len(true))
        run.gone += [self.source(resource) for resource in mine if self.behaviour.is_withdrawn(resource)]
        told = (resource.get("meta", {}).get("lastUpdated") for resource in mine)
        run.newest[kind] = max((one for one in told if one), default="")
        await self.prepare(run, kind, true, patient)
        return self.records(run, kind, true, patient)

    def of_person(self, records: list[Json], asked: str, patient: PatientRef) -> list[Json]:
        """The record of a patient. Who was asked for by an id that was merged away is the survivor, known by both."""
        told = {record["source"]["id"] for record in records}
        if told <= {asked} or not self.behaviour.follows_merges:
            return [record | {"patient": {"vendor": self.vendor, "id": patient.id}} for record in records]
        both = [{"vendor": self.vendor, "id": id} for id in (*told, asked)]
        return [record | {"sources": both} for record in records]

    async def _person(self, run: Run, id: str) -> Json:
        """The patient; of one that was merged away, the survivor: a link says who that is, or a redirect. Of that only
        the id is taken, so that the credentials go nowhere else."""
        try:
            found = await self.resource(run, "Patient", id)
        except Failure as failure:
            if failure.status != 302 or failure.moved_to is None or not self.behaviour.follows_merges:
                raise
            return await self.resource(run, "Patient", failure.moved_to)
        if not self.behaviour.follows_merges:
            return found
        survivors = [link["other"]["reference"] for link in found.get("link", []) if link.get("type") == "replaced-by"]
        return await self.resource(run, "Patient", survivors[0].rsplit("/", 1)[-1]) if survivors else found

    def searches(self, type: str) -> list[Params]:
        """The further parameters of each search that it takes to read a type whole."""
        return [[]]

    async def prepare(self, run: Run, kind: str, resources: list[Json], patient: PatientRef) -> None:
        """Puts into resources what they only point at."""

    async def add_content(self, run: Run, resource: Json) -> None:
        """Puts the bytes of a document into it; of one that is attached in several forms, one is enough."""
        url = self.meaning.attachment(resource).get("url")
        if url is None:
            return
        try:
            found = await self.resource(run, "Binary", url.rsplit("/", 1)[-1])
            resource["_content"] = self.behaviour.content(b64decode(found.get("data", "")))
        except Failure as failure:
            run.fail("document", failure)

    async def find(self, run: Run, params: Json) -> list[Json]:
        """The patients with a family name and, where given, a given name and a birth date."""
        names = {"family": "family", "given": "given", "birth_date": "birthdate"}
        query = [(names[name], str(value)) for name, value in params.items() if name in names and value]
        return self.as_asked(run, self.records(run, "patient", await self.search(run, "Patient", query)), params)

    def as_asked(self, run: Run, found: list[Json], params: Json) -> list[Json]:
        """Those who were born on the day that was asked for; a server that finds others is reported, not believed."""
        asked = params.get("birth_date")
        others = [one for one in found if asked and (one["birthDate"] or {}).get("value") != asked]
        if not others or not self.behaviour.distrusts:
            return found
        run.drop("filtered", "patient", len(others))
        run.fail("patient", Failure("invalid_response", "a search gave what was not asked for", reason="filter"))
        return [one for one in found if one not in others]

    async def match(self, run: Run, told: Json) -> list[Json]:
        """Who is described: one patient.

        Raises:
            Failure: nobody is (`not_found`), or several may be (`conflict`).
        """
        found = await self.find(run, self.behaviour.seeks(told))
        if not found and self.behaviour.registers:
            await self._register(run, told)
        meant = self.behaviour.chosen(found, told)
        if len(meant) == 1:
            return meant
        if found:
            raise Failure("conflict", "several patients may be meant, or none", reason="ambiguous")
        raise Failure("not_found", "no patient of this description", reason="nobody")

    async def _register(self, run: Run, told: Json) -> None:
        name = {"family": told["family"], "given": [told["given"]]}
        who = {"resourceType": "Patient", "name": [name], "birthDate": told["birth_date"]}
        await run.session.post(Call("Patient.create", f"{self.base}/Patient", "Patient", FHIR_JSON), who, run.deadline)

    def source(self, resource: Json) -> Json:
        """Where the facts of a resource are told."""
        return {"vendor": self.vendor, "type": resource["resourceType"], "id": resource.get("id", "")}

    def records(self, run: Run, kind: str, resources: list[Json], patient: PatientRef | None = None) -> list[Json]:
        """The canonical records of some resources of one kind."""

        def of(resource: Json) -> list[Json]:
            source = self.source(resource)
            owner = {"vendor": self.vendor, "id": patient.id if patient else source["id"]}
            labels = [label["code"] for label in resource.get("meta", {}).get("security", [])]
            head = {"kind": kind, "patient": owner} | ({"sensitivity": labels} if labels else {})
            facts = getattr(self.meaning, kind)(resource)
            return [
                head | one | {"source": source | one.get("source", {})}
                for one in (facts if isinstance(facts, list) else [facts])
            ]

        return run.each(kind, resources, of)

    async def resource(self, run: Run, type: str, id: str) -> Json:
        """One resource by its id; within a run it is fetched once."""
        call = Call(f"{type}.read", f"{self.base}/{type}/{quote(id, safe='')}", type, FHIR_JSON)
        key = self.behaviour.resource_key(type, id)
        found: Json = _KEPT.get(key) or await run.once(call.url, lambda: run.get(call, _is_a(type)))
        if key:
            _KEPT[key] = found
        return self.behaviour.shaped(found)

    async def search(self, run: Run, type: str, params: Params) -> list[Json]:
        """The matches of a search, all pages, each id once; within a run it is done once."""
        call = Call(f"{type}.search", f"{self.base}/{type}?{self.behaviour.query(params)}", type, FHIR_JSON)
        found: list[Json] = await run.once(call.url, lambda: self._matches(run, type, call))
        return found

    async def fresh(self, run: Run, type: str, params: Params) -> list[Json]:
        """The matches of a search that is done now, whatever was found before."""
        call = Call(f"{type}.search", f"{self.base}/{type}?{self.behaviour.query(params)}", type, FHIR_JSON)
        return await self._matches(run, type, call)

    async def _matches(self, run: Run, type: str, call: Call) -> list[Json]:
        found: dict[str, Json] = {}
        kind = _KIND_OF[type]
        for page in await pages_of(run, kind, call, _is_a("Bundle"), _next):
            for entry in page.get("entry", []):
                if self.behaviour.is_match(entry, type):
                    resource = self.behaviour.shaped(entry["resource"])
                    key = self.behaviour.key(resource.get("id", ""), len(found))
                    run.drop("duplicate", kind, key in found)
                    found[key] = resource  # the later copy is the newer one
                else:
                    _heed(entry.get("resource", {}))
        return list(found.values())

    def _is_about(self, run: Run, kind: str, resource: Json, patient: PatientRef) -> bool:
        """Whether a resource belongs to the patient; a server that mixes charts is reported, not believed."""
        subject = resource.get("subject") or resource.get("patient") or resource.get("beneficiary") or {}
        whose = str(subject.get("reference", patient.fhir_id)).rsplit("/", 1)[-1]
        if whose == patient.fhir_id or not (self.behaviour.distrusts and self.behaviour.heeds_subject):
            return True
        run.drop("filtered", kind)
        run.fail(kind, Failure("invalid_response", "a resource belongs to another patient", reason="foreign_subject"))
        return False


def _next(bundle: Json, url: str) -> str | None:
    links = (link["url"] for link in bundle.get("link", []) if link.get("relation") == "next")
    return next((urljoin(url, link) for link in links), None)


def _is_a(type: str) -> Callable[[Any], None]:
    def check(body: Any) -> None:
        if not isinstance(body, dict) or body.get("resourceType") != type:
            raise Failure("invalid_response", f"the body is no {type}", reason="wrong_type", transient=True)

    return check


def _heed(aside: Json) -> None:
    """Reads an entry that is no match: an included resource, or what the server says about the search.

    Raises:
        Failure: it says that the search was not done, with a status of 200.
    """
    for issue in aside.get("issue", []) if aside.get("resourceType") == "OperationOutcome" else []:
        if issue.get("severity") in ("error", "fatal"):
            denied = issue.get("code") in ("forbidden", "suppressed", "security", "login")
            raise Failure("forbidden" if denied else "rejected", "the search was refused in a 200", reason="outcome")
