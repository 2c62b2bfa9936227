"""What somebody can make happen at the front desk, now: another insurance, name or number. See `happenings`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from simulator.population import tables
from simulator.population.chart.coverage import member_id
from simulator.population.happenings import Scene, Unfit, named
from simulator.population.records import Coverage, Record, Telecom

_WRITTEN_PLACE = 127  # of member ids: behind the spells of a life


def coverage(scene: Scene, payer: str, *, member: str | None = None, group: str | None = None) -> Record:
    """Another primary insurance, in force from today: those that were in force before ended yesterday.

    Raises:
        Unfit: no such payer, or it is in force already.
    """
    scene.living()
    row = named(tables.PAYERS, payer, "payer", lambda one: (one.type,))
    held = [one for one in scene.world.chart(scene.number).coverages if one.status == "active"]
    if any(one.key == row.key and one.order == 1 for one in held):
        raise Unfit(f"patient {scene.number} is insured with {row.key} already")
    for one in held:
        scene.write(replace(one, status="cancelled", end=max(one.start, scene.today - timedelta(days=1))))
    record = Coverage(
        ordinal=-1,
        key=row.key,
        payer=row.name,
        plan=row.plan,
        category=row.category,
        type=row.type,
        member_id=member or _member(scene, row.key),
        group=group,
        relationship="self",
        order=1,
        status="active",
        start=scene.today,
        end=None,
        dependent=None if row.first_dependent is None else f"{row.first_dependent:02d}",
    )
    return scene.write(record)


def _member(scene: Scene, key: str) -> str | None:
    """The member id that goes with the patient, if the population has them; else there is none until it is told."""
    population = scene.world.population
    number = scene.world.human(scene.number)
    return member_id(population, number, tables.PAYERS[key], _WRITTEN_PLACE) if number < population.size else None


def renaming(scene: Scene, *, family: str | None = None, given: tuple[str, ...] = ()) -> Record:
    """The patient has another name. The family name before stays on record as the former one.

    Raises:
        Unfit: neither name is another one.
    """
    person = scene.living()
    changed = replace(person, family=family or person.family, given=given or person.given)
    if changed == person:
        raise Unfit(f"patient {scene.number} has that name already")
    if changed.family != person.family:
        changed = replace(changed, maiden=person.family)
    return scene.write(changed)


def contact(scene: Scene, system: str, use: str, value: str | None) -> Record:
    """Another phone or e-mail address in place of the one of that use; none, to take it away.

    Raises:
        Unfit: it is the one on record, or none is.
    """
    person = scene.living()
    kept = tuple(one for one in person.telecoms if (one.system, one.use) != (system, use))
    telecoms = kept if value is None else (*kept, Telecom(system, use, value))
    if sorted(map(repr, telecoms)) == sorted(map(repr, person.telecoms)):
        raise Unfit(f"nothing changes: {system}, {use}, {value or 'none'}")
    return scene.write(replace(person, telecoms=telecoms))
