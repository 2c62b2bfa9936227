"""Who can log in: every patient, and the practitioners of the world.

A login name is computed, not stored: `maria.garcia.17` is the patient whose key is 17 in the control API, `dr.okafor.2`
the practitioner of index 2. All have the same password, the setting `password` of a site. Some of the cast have a
short name besides: `gadeyemi`, `walter`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from simulator.population.cast import PASSWORD as PASSWORD
from simulator.population.world import World

STAFF_SHOWN = 6
_DOCTOR = "dr"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who logs in.

    `number` is the patient number or the index of the practitioner; `patients` those whose records a patient user may
    choose: the own one, and those the user stands proxy for.
    """

    login: str
    name: str
    kind: Literal["patient", "practitioner"]
    number: int
    patients: tuple[int, ...] = field(default=())


def user_of(world: World, login: str) -> User | None:
    """The user with this login name, or None."""
    login = login.strip().lower()
    short = next((one for one in cast(world) if one.login == login), None)
    if short is not None:
        return short
    words, _, digits = login.rpartition(".")
    if not words or not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        return None
    is_doctor = words.partition(".")[0] == _DOCTOR
    found = practitioner(world, int(digits)) if is_doctor else None
    if found is None or found.login != login:  # a patient may be called Dr
        found = patient(world, int(digits))
    return found if found is not None and found.login == login else None


def patient(world: World, number: int) -> User | None:
    """The patient `number` as a user; None when there is none."""
    person = world.person(number)
    if person is None:
        return None
    login = f"{_plain(person.given[0] if person.given else 'x')}.{_plain(person.family)}.{number}"
    return User(login, f"{' '.join(person.given)} {person.family}".strip(), "patient", number, (number,))


def practitioner(world: World, index: int) -> User | None:
    """The practitioner `index` as a user; None when there is none."""
    if not 0 <= index < world.population.practitioners:
        return None
    who = world.population.practitioner(index)
    login = f"{_DOCTOR}.{_plain(who.family)}.{index}"
    return User(login, f"{who.given} {who.family}, {who.suffix}", "practitioner", index)


def staff(world: World) -> Sequence[User]:
    """The practitioners that are offered: those of the cast, then the first few of the world."""
    named = [one for one in cast(world) if one.kind == "practitioner"]
    known = {one.number for one in named}
    drawn = (practitioner(world, index) for index in range(STAFF_SHOWN) if index not in known)
    return [*named, *(one for one in drawn if one is not None)][:STAFF_SHOWN]


def cast(world: World) -> Sequence[User]:
    """Those of the cast who have a short login name; parents stand proxy for their children."""
    return [
        User(one.username, one.name, "patient", one.patient, one.patients)
        if one.patient is not None
        else User(one.username, one.name, "practitioner", one.practitioner or 0)
        for one in world.population.cast.logins()
    ]


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-") or "x"
