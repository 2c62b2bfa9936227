"""Makes something happen in the world of a sandbox, now: a result, an admission, a correction, a death, …

Every change goes to the ledger with who and when, and every vendor tells it at once. Records are named as
`GET …/truth/patients/{key}` names them: `17-observation-12`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from simulator.control.place import ONE, sandbox_of
from simulator.control.problem import Problem
from simulator.control.truth import number_of_patient, told_of
from simulator.population import care, front_desk, happenings
from simulator.population.happenings import Scene, Unfit
from simulator.population.records import KINDS, Record
from simulator.sandbox import Sandbox

router = APIRouter(tags=["truth"])

_RECORD = re.compile(r"(\d{1,12})-([a-z]+)-(\d{1,12})")
Patient = Annotated[str, Field(description="our key of the patient, or any vendor's patient id", max_length=200)]
Name = Annotated[str, Field(description="a key of the tables, or a code", min_length=1, max_length=100)]
RecordId = Annotated[str, Field(description="a record, for example 17-observation-12", max_length=60)]


class _Change(BaseModel):
    model_config = ConfigDict(extra="forbid")

    who: Annotated[str, Field(min_length=1, max_length=100, description="who writes it down")] = "control"


class _Value(_Change):
    value: Annotated[Decimal | None, Field(description="a number; its digits are kept", max_digits=12)] = None
    comparator: Literal["<", ">"] | None = None
    coded: Name | None = None
    text: Annotated[str | None, Field(max_length=2_000)] = None

    def held(self) -> dict[str, Any]:
        """The value as `happenings` takes it."""
        return {"number": self.value, "comparator": self.comparator, "coded": self.coded, "text": self.text}


class NewResult(_Value):
    """A result or measurement is issued."""

    what: Literal["result"]
    patient: Patient
    test: Name
    status: Literal["preliminary", "final"] = "final"
    effective: AwareDatetime | None = None


class Correction(_Value):
    """A result was wrong: here is the right value."""

    what: Literal["correction"]
    record: RecordId


class Retraction(_Change):
    """An item was entered in error."""

    what: Literal["retraction"]
    record: RecordId


class Admission(_Change):
    """The patient comes in and stays."""

    what: Literal["admission"]
    patient: Patient
    type: Name = "inpatient"
    reason: RecordId | None = None
    facility: Annotated[int | None, Field(ge=0, le=10_000)] = None
    source: Name | None = None


class Discharge(_Change):
    """The stay ends: the named encounter, or the one that goes on. `disposition` is where the patient goes."""

    what: Literal["discharge"]
    patient: Patient | None = None
    record: RecordId | None = None
    disposition: Name = "home"


class NewCondition(_Change):
    """A problem is added."""

    what: Literal["condition"]
    patient: Patient
    code: Name
    onset: date | None = None


class Resolution(_Change):
    """A problem is over."""

    what: Literal["resolution"]
    record: RecordId
    abatement: date | None = None


class NewAllergy(_Change):
    """An allergy is added; with code `none`, somebody asked and there is none."""

    what: Literal["allergy"]
    patient: Patient
    code: Name
    criticality: Literal["low", "high", "unable-to-assess"] | None = None
    onset: date | None = None


class NewOrder(_Change):
    """A medication is ordered."""

    what: Literal["medication"]
    patient: Patient
    product: Name
    reason: RecordId | None = None


class NewImmunization(_Change):
    """A dose of a vaccine is given, or reported from an earlier day."""

    what: Literal["immunization"]
    patient: Patient
    code: Name
    day: date | None = None
    lot: Annotated[str | None, Field(min_length=1, max_length=40)] = None


class NewProcedure(_Change):
    """Something was done."""

    what: Literal["procedure"]
    patient: Patient
    code: Name
    reason: RecordId | None = None


class NewNote(_Change):
    """A note in plain text is signed."""

    what: Literal["note"]
    patient: Patient
    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    type: Name = "progress"


class NewCoverage(_Change):
    """The patient is insured otherwise from today on."""

    what: Literal["coverage"]
    patient: Patient
    payer: Name
    member_id: Annotated[str | None, Field(min_length=1, max_length=40)] = None
    group: Annotated[str | None, Field(min_length=1, max_length=40)] = None


class Renaming(_Change):
    """The patient has another name."""

    what: Literal["name"]
    patient: Patient
    family: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    given: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(max_length=5)] = ()


class Contact(_Change):
    """Another phone or e-mail address; without `value` there is none any more."""

    what: Literal["contact"]
    patient: Patient
    system: Literal["phone", "email"]
    use: Literal["home", "mobile", "work"]
    value: Annotated[str | None, Field(pattern=r"^(\+1\d{10}|[^@\s]{1,64}@[^@\s]{1,100})$")] = None


class Stop(_Change):
    """A medication is stopped today."""

    what: Literal["stop"]
    record: RecordId


class Booking(_Change):
    """An appointment is booked with the patient's practitioner."""

    what: Literal["booking"]
    patient: Patient
    start: AwareDatetime
    type: Name = "office"
    minutes: Annotated[int, Field(ge=5, le=1_440)] = 20
    text: Annotated[str, Field(max_length=200)] = ""


class Cancellation(_Change):
    """A booked appointment is cancelled."""

    what: Literal["cancellation"]
    record: RecordId
    by: Literal["patient", "provider"] = "patient"


class Death(_Change):
    """The patient dies; a stay ends with it, and nothing happens by itself afterwards."""

    what: Literal["death"]
    patient: Patient


class Move(_Change):
    """The patient moves."""

    what: Literal["address"]
    patient: Patient
    lines: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(min_length=1, max_length=4)]
    city: Annotated[str, Field(min_length=1, max_length=100)]
    state: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    zip: Annotated[str, Field(pattern=r"^[0-9]{5}(-[0-9]{4})?$")]


class Merge(_Change):
    """A registration turns out to be another patient's, and is merged into that one, with all its records. Nobody
    checks that both are one human being: merges of strangers happen, too."""

    what: Literal["merge"]
    patient: Patient
    into: Patient


class Unmerge(_Change):
    """A registration that was merged stands for itself again. `patient` is our key of it: the ids that vendors gave it
    resolve to the survivor."""

    what: Literal["unmerge"]
    patient: Annotated[str, Field(pattern=r"^\d{1,12}$", description="our key of the merged registration")]


Change = Annotated[
    NewResult
    | Correction
    | Retraction
    | Admission
    | Discharge
    | NewCondition
    | Resolution
    | NewAllergy
    | NewOrder
    | NewImmunization
    | NewProcedure
    | NewNote
    | NewCoverage
    | Renaming
    | Contact
    | Stop
    | Booking
    | Cancellation
    | Death
    | Move
    | Merge
    | Unmerge,
    Field(discriminator="what"),
]


@router.post(f"{ONE}/truth/changes", status_code=201, response_model=None)
async def change(request: Request, id: str, wish: Change) -> Response:
    """Makes something happen now, by the clock of the sandbox. Gives the records as they are kept."""
    found = sandbox_of(request, id)
    before = found.world.writes
    try:
        _make(found, wish)
    except Unfit as flaw:
        raise Problem(422, f"body: {flaw}", **({"hint": flaw.hint} if flaw.hint else {})) from None
    told = [told_of(found.world, event) for event in found.world.written_since(before)]
    return Response(orjson.dumps({"changes": told}), 201, media_type="application/json")


def _make(sandbox: Sandbox, wish: Any) -> Record | None:
    """What `happenings` makes of a wish."""
    if isinstance(wish, Merge):
        into = _known(sandbox, wish.into, "body.into")
        happenings.merge(_scene(sandbox, wish.patient, wish.who), into)
        return None
    if isinstance(wish, Unmerge):
        happenings.unmerge(Scene(sandbox.world, int(wish.patient), wish.who, _now(sandbox)))
        return None
    if isinstance(wish, Correction | Retraction | Resolution | Stop | Cancellation):
        return _about_record(sandbox, wish)
    if isinstance(wish, Discharge) and wish.record is not None:
        scene, ordinal = _scene_of_record(sandbox, wish.record, "encounter", wish.who)
        return happenings.discharge(scene, ordinal, disposition=wish.disposition)
    return _about_patient(_scene(sandbox, wish.patient, wish.who), wish)


def _about_record(sandbox: Sandbox, wish: Correction | Retraction | Resolution | Stop | Cancellation) -> Record:
    if isinstance(wish, Retraction):
        number, kind, ordinal = _parsed(wish.record)
        return happenings.retraction(_scene(sandbox, str(number), wish.who), kind, ordinal)
    scene, ordinal = _scene_of_record(sandbox, wish.record, _KIND_OF[type(wish)], wish.who)
    if isinstance(wish, Correction):
        return happenings.correction(scene, ordinal, **wish.held())
    if isinstance(wish, Resolution):
        return happenings.resolution(scene, ordinal, abatement=wish.abatement)
    if isinstance(wish, Stop):
        return happenings.stop(scene, ordinal)
    return happenings.cancellation(scene, ordinal, by=wish.by)


_KIND_OF: dict[type[_Change], str] = {
    Correction: "observation",
    Resolution: "condition",
    Stop: "medication",
    Cancellation: "appointment",
}


def _about_patient(scene: Scene, wish: Any) -> Record:
    if isinstance(wish, NewResult):
        effective = wish.effective.astimezone(UTC) if wish.effective else None
        return happenings.result(scene, wish.test, status=wish.status, effective=effective, **wish.held())
    if isinstance(wish, Admission):
        reason = _of(scene, wish.reason, "condition")
        return happenings.admission(scene, wish.type, reason=reason, facility=wish.facility, source=wish.source)
    if isinstance(wish, Discharge):
        return happenings.discharge(scene, disposition=wish.disposition)
    if isinstance(wish, NewCondition):
        return happenings.condition(scene, wish.code, onset=wish.onset)
    if isinstance(wish, NewAllergy):
        if wish.code == "none":
            return happenings.no_known_allergies(scene)
        return happenings.allergy(scene, wish.code, criticality=wish.criticality, onset=wish.onset)
    if isinstance(wish, NewOrder):
        return happenings.order(scene, wish.product, reason=_of(scene, wish.reason, "condition"))
    if isinstance(wish, NewImmunization | NewProcedure | NewNote):
        return _in_care(scene, wish)
    if isinstance(wish, NewCoverage | Renaming | Contact):
        return _at_the_desk(scene, wish)
    if isinstance(wish, Booking):
        return happenings.booking(scene, wish.type, wish.start, minutes=wish.minutes, text=wish.text)
    if isinstance(wish, Move):
        return happenings.move(scene, wish.lines, wish.city, wish.state, wish.zip)
    return happenings.death(scene)


def _in_care(scene: Scene, wish: NewImmunization | NewProcedure | NewNote) -> Record:
    if isinstance(wish, NewImmunization):
        return care.immunization(scene, wish.code, day=wish.day, lot=wish.lot)
    if isinstance(wish, NewProcedure):
        return care.procedure(scene, wish.code, reason=_of(scene, wish.reason, "condition"))
    return care.note(scene, wish.type, wish.text)


def _at_the_desk(scene: Scene, wish: NewCoverage | Renaming | Contact) -> Record:
    if isinstance(wish, NewCoverage):
        return front_desk.coverage(scene, wish.payer, member=wish.member_id, group=wish.group)
    if isinstance(wish, Renaming):
        return front_desk.renaming(scene, family=wish.family, given=wish.given)
    return front_desk.contact(scene, wish.system, wish.use, wish.value)


def _scene(sandbox: Sandbox, patient: str | None, who: str) -> Scene:
    if patient is None:
        raise Problem(422, "body: needs patient or record")
    return Scene(sandbox.world, _known(sandbox, patient, "body.patient"), who, _now(sandbox))


def _known(sandbox: Sandbox, patient: str, place: str) -> int:
    number = number_of_patient(sandbox, patient)
    if number is None:
        raise Problem(422, f'{place}: no patient "{patient}" in sandbox {sandbox.id}')
    return number


def _now(sandbox: Sandbox) -> datetime:
    return sandbox.clock.now()


def _scene_of_record(sandbox: Sandbox, text: str, kind: str, who: str) -> tuple[Scene, int]:
    number, told, ordinal = _parsed(text)
    if told != kind:
        raise Problem(422, f"body.record: needs a record of kind {kind}: {text}")
    return _scene(sandbox, str(number), who), ordinal


def _of(scene: Scene, text: str | None, kind: str) -> int | None:
    """The ordinal of a record of the scene's patient."""
    if text is None:
        return None
    number, told, ordinal = _parsed(text)
    if (number, told) != (scene.number, kind):
        raise Problem(422, f"body: needs a {kind} of patient {scene.number}: {text}")
    return ordinal


def _parsed(text: str) -> tuple[int, str, int]:
    parts = _RECORD.fullmatch(text)
    if parts is None or parts[2] not in KINDS:
        raise Problem(422, f'body.record: not a record: "{text}"', hint="17-observation-12", known=list(KINDS))
    return int(parts[1]), parts[2], int(parts[3])
