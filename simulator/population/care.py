"""What somebody can make happen in care, now: a dose is given, something done, a note signed. See `happenings`."""

from __future__ import annotations

from datetime import date, timedelta

from simulator.population import tables
from simulator.population.happenings import Scene, Unfit, named
from simulator.population.records import Document, Immunization, Procedure, Record


def immunization(scene: Scene, code: str, *, day: date | None = None, lot: str | None = None) -> Record:
    """A dose of a vaccine, given today or reported from an earlier day.

    Raises:
        Unfit: no such vaccine, or a day before birth, ahead, or on which there was no such vaccine.
    """
    person = scene.living()
    row = named(tables.IMMUNIZATIONS, code, "vaccine", lambda one: (one.code,))
    given = day or scene.today
    if not person.birth_date <= given <= scene.today:
        raise Unfit(f"day lies outside the life of the patient so far: {given}")
    if not row.first_day <= given <= row.last_day:
        raise Unfit(f"vaccine {row.key} is in use from {row.first_day} to {row.last_day}: {given}")
    stay = scene.stay()
    record = Immunization(
        ordinal=-1,
        key=row.key,
        code=row.code,
        text=row.code.display,
        day=given,
        status="completed",
        lot=lot,
        encounter=stay.ordinal if stay else None,
        practitioner=stay.practitioner if stay else person.practitioner,
    )
    return scene.write(record)


def procedure(scene: Scene, code: str, *, reason: int | None = None) -> Record:
    """Something was done, and is over now; in a stay it is part of it.

    Raises:
        Unfit: no such procedure or reason, or it is not done to somebody of this sex.
    """
    person = scene.living()
    row = named(tables.PROCEDURES, code, "procedure", lambda one: (one.code,))
    if row.sex not in ("B", person.sex):
        raise Unfit(f"procedure {row.key} is not for the sex of patient {scene.number}: {person.sex}")
    if reason is not None:
        scene.find("condition", reason)
    stay = scene.stay()
    start = scene.at - timedelta(minutes=row.minutes)
    record = Procedure(
        ordinal=-1,
        key=row.key,
        codes=(row.code,),
        text=row.code.display,
        status="completed",
        start=start if stay is None else max(start, stay.start),
        end=scene.at,
        reason=reason,
        encounter=stay.ordinal if stay else None,
        facility=stay.facility if stay else person.facility,
        practitioner=stay.practitioner if stay else person.practitioner,
        sensitivity=row.sensitivity,
    )
    return scene.write(record)


def note(scene: Scene, type: str, text: str) -> Record:
    """A note in plain text is signed: it says what it is given, and belongs to the stay or to the latest encounter.

    Raises:
        Unfit: no such type of document, or there is no encounter to which it could belong.
    """
    person = scene.person
    row = named(tables.DOCUMENTS, type, "type of document", lambda one: (one.type,))
    encounters = scene.world.chart(scene.number).encounters
    if not encounters:
        raise Unfit(f"patient {scene.number} has no encounter that a note could belong to", "admit them first")
    visit = scene.stay() or encounters[-1]
    record = Document(
        ordinal=-1,
        key=row.key,
        type=row.type,
        text=row.title,
        status="current",
        doc_status="final",
        mime="text/plain",
        created=scene.at,
        encounter=visit.ordinal,
        facility=visit.facility,
        practitioner=visit.practitioner or person.practitioner,
        sensitivity=tuple(dict.fromkeys((*row.sensitivity, *visit.sensitivity))),
        body=text.encode(),
    )
    return scene.write(record)
