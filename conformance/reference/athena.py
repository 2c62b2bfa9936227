"""athenahealth: the chart and the appointments over its REST API; over FHIR what that tells poorly or not at all:
encounters, immunizations, procedures, documents and coverages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from conformance.reference.athena_rest import AthenaMeaning
from conformance.reference.behaviour import Json, Params
from conformance.reference.failure import Failure
from conformance.reference.fhir import FURTHER, TYPES, FhirVendor, PatientRef
from conformance.reference.paging import pages_of
from conformance.reference.run import Run
from conformance.reference.session import Call, Session

_LIST_OF = {"labresults": "results", "booked": "appointments"}
"""The list in an answer is called as the last part of the path; these are not."""

_EVER = [("startdate", "01/01/1900"), ("enddate", "12/31/2199"), ("showcancelled", "true")]
"""What it takes to be told of every appointment: the list wants a range of days."""

Entity = tuple[str, str, Callable[[Json], Json]]
"""What a REST entity is called, which member is its id, and what it means."""


class Athena(FhirVendor):
    """Reads athena. Its chart calls need a department, whose zone the chart's clock times are told in."""

    meaning_of = AthenaMeaning
    meaning: AthenaMeaning
    types = TYPES | FURTHER

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._rest = str(session.config.urls["rest_url"]).rstrip("/")
        self._practice = self._rest.rsplit("/", 1)[-1]

    def searches(self, type: str) -> list[Params]:
        """Over FHIR we read what REST does not tell: of observations the social history and the surveys."""
        practice = ("ah-practice", f"Organization/a-1.Practice-{self._practice}")
        categories = ("social-history", "survey") if type == "Observation" else ()
        return [[practice, ("category", category)] for category in categories] or [[practice]]

    async def read(self, run: Run, kind: str, patient: PatientRef) -> list[Json]:
        over_rest = {
            "patient": self._patient,
            "condition": self._conditions,
            "allergy": self._allergies,
            "medication": self._medications,
            "observation": self._observations,
            "appointment": self._appointments,
        }
        return await (over_rest[kind](run, patient) if kind in over_rest else super().read(run, kind, patient))

    async def prepare(self, run: Run, kind: str, resources: list[Json], patient: PatientRef) -> None:
        if kind == "document":
            await asyncio.gather(*(self.add_content(run, resource) for resource in resources))

    async def find(self, run: Run, params: Json) -> list[Json]:
        born = params.get("birth_date")
        query = {
            "lastname": params.get("family"),
            "firstname": params.get("given"),
            "dob": date.fromisoformat(born).strftime("%m/%d/%Y") if born else None,
        }
        pages = await self._pages_of(
            run, "patient", "/patients", [(name, value) for name, value in query.items() if value]
        )
        found = self._patients(run, (one for page in pages for one in page["patients"]))
        return self.as_asked(run, found, params)

    # Kinds

    async def _patient(self, run: Run, patient: PatientRef) -> list[Json]:
        records = self._patients(run, [await self._demographics(run, patient)])
        return self.of_person(records, patient.ids.get("patientid", patient.id), patient)

    def _patients(self, run: Run, told: Iterable[Json]) -> list[Json]:
        return self._rows(run, "patient", ("patient", "patientid", self.meaning.rest_patient), told)

    async def _conditions(self, run: Run, patient: PatientRef) -> list[Json]:
        return await run.parts("condition", self._problems(run, patient), self._diagnoses(run, patient))

    async def _problems(self, run: Run, patient: PatientRef) -> list[Json]:
        pages = await self._chart(run, "condition", patient, "problems", ("showinactive", "true"))
        told = (one for page in pages for one in page["problems"])
        return self._rows(run, "condition", ("problem", "problemid", self.meaning.problem), told, patient)

    async def _diagnoses(self, run: Run, patient: PatientRef) -> list[Json]:
        pages = await self._chart(run, "condition", patient, "encounters")
        told = (one for page in pages for visit in page["encounters"] for one in visit.get("diagnoses", []))
        return self._rows(run, "condition", ("diagnosis", "diagnosisid", self.meaning.diagnosis), told, patient)

    async def _allergies(self, run: Run, patient: PatientRef) -> list[Json]:
        """Allergies, or the statement that there are none: a flag of the section, not an entry."""
        pages = await self._chart(run, "allergy", patient, "allergies")
        told = [one for page in pages for one in page["allergies"]]
        if not told and any(self.behaviour.truth(page.get("nkda")) for page in pages):
            told = [{"allergenid": "nkda"}]
        return self._rows(run, "allergy", ("allergy", "allergenid", self.meaning.rest_allergy), told, patient)

    async def _medications(self, run: Run, patient: PatientRef) -> list[Json]:
        """A list of lists: entries of one drug stand together."""
        pages = await self._chart(run, "medication", patient, "medications", ("showrxnorm", "true"))
        told = (one for page in pages for group in page["medications"] for one in group)
        entity = ("medication", "medicationentryid", self.meaning.rest_medication)
        return self._rows(run, "medication", entity, told, patient)

    async def _observations(self, run: Run, patient: PatientRef) -> list[Json]:
        zone = await self._zone(run, patient)
        vitals, analytes = self._vitals(run, patient, zone), self._analytes(run, patient, zone)
        told = await run.parts("observation", vitals, analytes, super().read(run, "observation", patient))
        # A pain score is a survey over FHIR and a vital sign over REST: one fact, whose number ends both ids.
        by_number = {one["source"]["id"].rsplit("-", 1)[-1]: one for one in reversed(told)}
        run.drop("duplicate", "observation", len(told) - len(by_number))
        return list(by_number.values())[::-1]

    async def _vitals(self, run: Run, patient: PatientRef, zone: ZoneInfo) -> list[Json]:
        pages = await self._chart(run, "observation", patient, "vitals")
        readings = (row for page in pages for group in page["vitals"] for row in group["readings"])
        told = (one | {"_zone": zone} for row in readings for one in row)
        return self._rows(run, "observation", ("vital", "vitalid", self.meaning.vital), told, patient)

    async def _analytes(self, run: Run, patient: PatientRef, zone: ZoneInfo) -> list[Json]:
        pages = await self._chart(run, "observation", patient, "labresults")
        results = (result for page in pages for result in page["results"])
        told = (one | {"_zone": zone, "_result": result} for result in results for one in result["analytes"])
        return self._rows(run, "observation", ("analyte", "analyteid", self.meaning.analyte), told, patient)

    async def _appointments(self, run: Run, patient: PatientRef) -> list[Json]:
        """Where and with whom is told by numbers, and the time by the clock of the place."""
        id = patient.ids.get("patientid", patient.id)
        pages = await self._pages_of(run, "appointment", "/appointments/booked", [("patientid", id), *_EVER])
        listed = [one for page in pages for one in page["appointments"]]
        places = await self._departments(run, "appointment")
        names = await self._providers(run, {str(one["providerid"]) for one in listed})
        told = (
            one | {"_department": places[str(one["departmentid"])], "_provider": names[str(one["providerid"])]}
            for one in listed
        )
        entity = ("appointment", "appointmentid", self.meaning.rest_appointment)
        return self._rows(run, "appointment", entity, told, patient)

    def _rows(
        self, run: Run, kind: str, entity: Entity, told: Iterable[Json], patient: PatientRef | None = None
    ) -> list[Json]:
        """The records of some REST entities, each id once."""
        type, id, meaning = entity

        def of(one: Json) -> list[Json]:
            source = {"vendor": self.vendor, "type": type, "id": str(one[id])}
            owner = {"vendor": self.vendor, "id": patient.id if patient else source["id"]}
            return [{"kind": kind, "source": source, "patient": owner, **meaning(one)}]

        listed = list(told)
        unique = {str(one.get(id)): one for one in listed}
        run.drop("duplicate", kind, len(listed) - len(unique))
        return run.each(kind, unique.values(), of)

    # Calls

    async def _demographics(self, run: Run, patient: PatientRef) -> Json:
        """The patient: a list of one."""
        id = patient.ids.get("patientid", patient.id)
        call = Call("patients.read", f"{self._rest}/patients/{id}", "patients")
        told: list[Json] = await run.once(call.url, lambda: run.get(call, _is_list_of_one))
        return told[0]

    async def _zone(self, run: Run, patient: PatientRef) -> ZoneInfo:
        """The zone of the patient's department."""
        department = str((await self._demographics(run, patient))["departmentid"])
        places = await self._departments(run, "observation")
        if department not in places:
            raise Failure("invalid_response", "the patient's department is not listed", reason="no_department")
        return ZoneInfo(places[department]["timezonename"])

    async def _departments(self, run: Run, kind: str) -> dict[str, Json]:
        """The departments of the practice, by number."""
        pages = await self._pages_of(run, kind, "/departments", [])
        return {str(one["departmentid"]): one for page in pages for one in page["departments"]}

    async def _providers(self, run: Run, ids: Iterable[str]) -> dict[str, Json]:
        """Some providers, by number: each is a list of one."""

        async def provider(id: str) -> tuple[str, Json]:
            call = Call("providers.read", f"{self._rest}/providers/{id}", "providers")
            told: list[Json] = await run.once(call.url, lambda: run.get(call, _is_list_of_one))
            return id, told[0]

        return dict(await asyncio.gather(*map(provider, ids)))

    async def _chart(self, run: Run, kind: str, patient: PatientRef, name: str, *params: tuple[str, str]) -> list[Json]:
        """The pages of one section of the chart."""
        department = str((await self._demographics(run, patient))["departmentid"])
        id = patient.ids.get("patientid", patient.id)
        return await self._pages_of(run, kind, f"/chart/{id}/{name}", [("departmentid", department), *params])

    async def _pages_of(self, run: Run, kind: str, path: str, params: Params) -> list[Json]:
        name = path.rsplit("/", 1)[-1]
        query = self.behaviour.query(params)
        call = Call(f"{name}.list", f"{self._rest}{path}" + (f"?{query}" if query else ""), name)
        pages: list[Json] = await run.once(
            call.url, lambda: pages_of(run, kind, call, _has_list(_LIST_OF.get(name, name)), self._next)
        )
        return pages

    def _next(self, page: Json, url: str) -> str | None:
        """`next` is a path from the server's root, always with /v1/, whatever prefix we use."""
        path = page.get("next")
        return self._rest + str(path).removeprefix(f"/v1/{self._practice}") if path else None


def _has_list(key: str) -> Callable[[Any], None]:
    def check(body: Any) -> None:
        if not isinstance(body, dict) or not isinstance(body.get(key), list):
            raise Failure("invalid_response", f"the body holds no list of {key}", reason="wrong_type", transient=True)

    return check


def _is_list_of_one(body: Any) -> None:
    if not isinstance(body, list) or len(body) != 1 or not isinstance(body[0], dict):
        raise Failure("invalid_response", "the body is no list of one", reason="wrong_type", transient=True)
