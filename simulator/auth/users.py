"""Who can log in: every patient, and the practitioners of the world.

A login name is computed, not stored: `maria.garcia.17` is the patient whose key is 17 in the control API, `dr.okafor.2`
the practitioner of index 2. All have the same password, the setting `password` of a site. A cast of named people goes
before: its logins may be anything.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from simulator.population.world import World

PASSWORD = "sandbox"
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


def user_of(world: World, login: str, cast: Mapping[str, User] | None = None) -> User | None:
    """The user with this login name, or None. `cast` holds people with names of their own, by login."""
    login = login.strip().lower()
    if cast is not None and login in cast:
        return cast[login]
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
    """The practitioners that are offered: the first few of the world."""
    found = (practitioner(world, index) for index in range(STAFF_SHOWN))
    return [one for one in found if one is not None]


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-") or "x"
