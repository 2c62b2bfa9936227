"""Writing to Epic: one intent, one record. Look first, send once, look again when the answer got lost, read back.

Epic answers a create with an empty 201 and the id in Location, has no conditional create, and keeps something else than
was meant. So what was there before is noted, a create whose answer never came is looked for before anything is sent
again, and what was kept is compared with what was meant.
"""

from __future__ import annotations

from typing import Any

from conformance.reference.behaviour import Json, Params
from conformance.reference.failure import Failure
from conformance.reference.fhir import FHIR_JSON, FhirVendor, PatientRef
from conformance.reference.run import Run
from conformance.reference.session import Call

_SYSTEMS = {"snomed": "http://snomed.info/sct", "icd10cm": "http://hl7.org/fhir/sid/icd-10-cm"}
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_LOOKS = 5
_LOST = ("timeout", "unavailable")


async def write(vendor: FhirVendor, run: Run, intent: Json) -> None:
    """Files the intent, and puts `ref` and `differences` into the run's answer.

    Raises:
        Failure: it was refused, or whether it is there cannot be told.
    """
    patient = PatientRef.of(intent["patient"])
    writer = _Writer(vendor, run, patient, intent["body"])
    id = await writer.filed()
    run.note(ref={"vendor": vendor.vendor, "type": "Condition", "id": id})
    if vendor.behaviour.reads_back:
        run.note(differences=writer.differences(await writer.read_back(id)))


class _Writer:
    """One problem on its way into one chart."""

    def __init__(self, vendor: FhirVendor, run: Run, patient: PatientRef, body: Json) -> None:
        self._vendor = vendor
        self._run = run
        self._patient = patient
        self._body = body
        self._behaviour = vendor.behaviour

    async def filed(self) -> str:
        """The id of the one record that comes of it."""
        before = await self._there()
        try:
            return await self._send()
        except Failure as failure:
            if failure.error_class not in _LOST or not before[0]:
                raise self._behaviour.told(failure) from None
            return await self._found_or_sent(set(before[1]), failure)

    async def _send(self) -> str:
        call = Call("Condition.create", f"{self._vendor.base}/Condition", "Condition", FHIR_JSON)
        headers, content = await self._run.session.post(call, self._resource(), self._run.deadline)
        return self._behaviour.id_of(headers, content)

    async def _found_or_sent(self, before: set[str], failure: Failure) -> str:
        """The record that has come since; sent once more when there is none after some looks."""
        for look in range(_LOOKS):
            new = [id for id in (await self._there())[1] if id not in before]
            if len(new) == 1:
                return new[0]
            if new:
                raise Failure("unavailable", "the answer got lost, and several records have come since")
            await self._run.session.pause(0.2 * (look + 1), self._run.deadline)
        return await self._send()

    async def _there(self) -> tuple[bool, list[str]]:
        """Whether it can be looked for, and the ids of what is there already under one of its codes."""
        codes = ",".join(f"{_SYSTEMS[one['system']]}|{one['code']}" for one in self._body.get("codes", ()))
        if not codes:
            return False, []
        params: Params = [("patient", self._patient.fhir_id), ("code", codes)]
        return True, [one["id"] for one in await self._vendor.fresh(self._run, "Condition", params)]

    async def read_back(self, id: str) -> Json:
        """What was kept: right after a create a copy may be behind, so a 404 is waited out."""
        call = Call("Condition.read", f"{self._vendor.base}/Condition/{id}", "Condition", FHIR_JSON)
        for look in range(_LOOKS):
            try:
                found: Json = await self._run.get(call, lambda body: None)
                return found
            except Failure as failure:
                if failure.error_class != "not_found" or look == _LOOKS - 1:
                    raise
                if self._behaviour.recreates:
                    await self._send()
            await self._run.session.pause(0.4 * (look + 1), self._run.deadline)
        raise AssertionError("the last look returns or raises")

    def differences(self, resource: Json) -> list[str]:
        """The members of the intent that came back otherwise, or not at all."""
        (told,) = self._vendor.records(self._run, "condition", [resource], self._patient)
        return sorted(name for name, meant in self._body.items() if _plain(told.get(name)) != _plain(meant))

    def _resource(self) -> Json:
        body = self._body
        codings = [
            {"system": _SYSTEMS[one["system"]], "code": one["code"], "display": body["text"]}
            for one in body.get("codes", ())
        ]
        return {
            "resourceType": "Condition",
            "clinicalStatus": _concept("condition-clinical", body["clinicalStatus"]),
            "verificationStatus": _concept("condition-ver-status", "confirmed"),
            "category": [_concept("condition-category", body["category"])],
            "code": {**({"coding": codings} if codings else {}), "text": body["text"]},
            "subject": {"reference": f"Patient/{self._patient.fhir_id}"},
            **({"onsetDateTime": body["onset"]["value"]} if "onset" in body else {}),
        }


def _concept(system: str, code: str) -> Json:
    return {"coding": [{"system": _TERMINOLOGY + system, "code": code}]}


def _plain(value: Any) -> Any:
    """Codes in no order and without displays; everything else as it is."""
    if isinstance(value, list):
        return sorted((one.get("system"), one.get("code")) for one in value)
    return value
