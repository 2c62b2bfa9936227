"""Searching for patients: by identifier, or by enough of who they are; names that sound alike count as hits.

Sufficient: an identifier; given and family name with birth date; given and family name with sex and phone or e-mail.
One demographic alone finds nothing although patients match (E6). Hits are to be verified (E38).

Source: SOURCES.md, "Search" (PSEARCH: what suffices; MAP: single demographics, date ranges; CS: sound, nicknames).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import lru_cache

from simulator.exchange import Exchange
from simulator.fhir import search
from simulator.population import tables
from simulator.population.cast import roles
from simulator.population.names import SMALL_UNTIL, families_of
from simulator.population.ranks import fold
from simulator.population.records import Person
from simulator.vendors.epic import errors, ids, refinements
from simulator.vendors.epic.dialect import Json, Telling
from simulator.vendors.epic.query import Query
from simulator.vendors.epic.resources import patient
from simulator.vendors.epic.resources.identifiers import number_of_identifier

_DEMOGRAPHICS = (
    "address", "address-city", "address-postalcode", "address-state", "birthdate", "family", "gender", "given",
    "identifier", "legal-sex", "name", "own-name", "own-prefix", "partner-name", "partner-prefix", "telecom",
)  # fmt: skip
_NOBODY_HAS = ("doc-type", "own-prefix", "partner-name", "partner-prefix")
"""What can be asked, and is on record of nobody."""
_MOST = 100
_GENDERS = frozenset({"female", "male", "other", "unknown"})
_LEGAL_SEXES = _GENDERS | {"nonbinary", "x"}
_SOUNDS = str.maketrans("bfpvcgjkqsxzdtlmnr", "111122222222334556")


class Asked:
    """What a query says of the patient it looks for."""

    def __init__(self, query: Query) -> None:
        self.query = query
        family, given = query.first("family"), query.first("given")
        own = query.first("own-name")  # the name by birth, where people bear that of a partner
        self.family = family.value if family else own.value if own else ""
        self.given = given.value if given else ""
        whole = query.first("name")
        if whole and not family and not given:  # `name` counts only when no part is given (doc)
            self.given, _, self.family = whole.value.strip().rpartition(" ")
            self.given = self.given.split(" ")[0]
        self.born = _birth_date(query)
        self.genders = _codes(query, "gender", _GENDERS) | _codes(query, "legal-sex", _LEGAL_SEXES)
        telecom = query.first("telecom")
        self.telecom = telecom.tokens[0][1] if telecom else ""

    @property
    def is_enough(self) -> bool:
        """Whether demographics alone may find somebody."""
        has_name = bool(self.family and self.given)
        return has_name and (self.born is not None or bool(self.genders and self.telecom))


def find(x: Exchange, query: Query) -> list[str]:
    """The ids of the patients found, in listing order.

    Raises:
        Refusal: malformed with issues: no parameter that could find a patient, a birth date that is no whole day, more
            than a hundred hits.
    """
    if not any(query.has(name) for name in _DEMOGRAPHICS):
        raise query.refuse(errors.missing("demographics/_id"))
    asked = Asked(query)
    numbers = _by_identifier(x, query) if query.has("identifier") else _by_demographics(x, asked)
    if any(query.has(name) for name in _NOBODY_HAS):
        return []
    further = refinements.tests(x.site, query)
    found: dict[str, None] = {}
    for number in numbers:
        person = x.sandbox.world.person(number)
        if person is not None and agrees(person, asked) and _passes(x, person, further):
            found[ids.fhir_id(x.site.key, "Patient", number)] = None
        if len(found) > _MOST:
            raise query.refuse(errors.issue("fatal", "too-costly", "4127"))
    return list(found)


def _passes(x: Exchange, person: Person, further: list[Callable[[Json], bool]]) -> bool:
    if not further:
        return True
    payload = patient.render(Telling(x.site, person)).payload
    return all(test(payload) for test in further)


def _by_identifier(x: Exchange, query: Query) -> Iterator[int]:
    for one in query.all("identifier"):
        for system, value in one.tokens:
            number = number_of_identifier(x.site, system or None, value)
            if number is not None:
                yield number


def _by_demographics(x: Exchange, asked: Asked) -> Iterator[int]:
    if not asked.is_enough:
        return
    world = x.sandbox.world
    if asked.born is None:
        contact = {"email": asked.telecom} if "@" in asked.telecom else {"phone": asked.telecom}
        yield from world.find(**contact)  # type: ignore[arg-type]
        return
    for family in alike_families(asked.family, world.population.size):
        for given in alike_givens(asked.given):
            yield from world.find(family=family, given=given, born=(asked.born, asked.born), exact=True)


def agrees(person: Person, asked: Asked) -> bool:
    """Whether nothing that was asked speaks against the person."""
    query = asked.query
    families = [person.family, *([person.maiden] if person.maiden else [])]
    givens = [*person.given, *([person.nickname] if person.nickname else [])]
    return (
        (not asked.family or any(_alike(asked.family, name) for name in families))
        and (not asked.given or any(_alike(name, one) for name in _formal(asked.given) for one in givens))
        and (asked.born is None or person.is_born_within(asked.born, asked.born))
        and (not asked.genders or person.gender in asked.genders)
        and (not asked.telecom or has_contact(person, asked.telecom))
        and all(_lives_at(person, query, name) for name in _DEMOGRAPHICS[:4])
    )


def _birth_date(query: Query) -> date | None:
    """The whole day asked for; ranges and parts of dates are refused (seen)."""
    one = query.first("birthdate")
    if one is None:
        return None
    try:
        if len(query.all("birthdate")) > 1 or len(one.value) != 10:
            raise ValueError(one.value)
        return date.fromisoformat(one.value)
    except ValueError:
        raise query.refuse(*errors.bad_value("birthdate", one.value)) from None


def _codes(query: Query, name: str, known: frozenset[str]) -> set[str]:
    codes = {code for one in query.all(name) for _, code in one.tokens}
    strangers = sorted(codes - known)
    if strangers:
        raise query.refuse(*errors.bad_value(name, strangers[0]))
    return codes


def has_contact(person: Person, asked: str) -> bool:
    """Whether a phone number, however it is written, or an e-mail address is the person's."""
    digits = "".join(letter for letter in asked if letter in "0123456789")[-10:]
    return any(
        one.value.lower() == asked.lower() if one.system == "email" else len(digits) == 10 and one.value[-10:] == digits
        for one in person.telecoms
    )


def _lives_at(person: Person, query: Query, name: str) -> bool:
    one = query.first(name)
    if one is None:
        return True
    for address in person.addresses:
        parts = {
            "address-city": (address.city,),
            "address-state": (address.state,),
            "address-postalcode": (address.zip,),
            "address": (*address.lines, address.city, address.state, address.zip),
        }[name]
        if any(search.matches_string(one.value, part) for part in parts):
            return True
    return False


# Names


def sound_of(name: str) -> str:
    """The Soundex code of a name: its first letter and three digits."""
    letters = [letter for letter in fold(name) if letter.isascii() and letter.isalpha()]
    if not letters:
        return fold(name)
    digits, last = "", letters[0].translate(_SOUNDS)
    for letter in letters[1:]:
        code = letter.translate(_SOUNDS)
        if code.isdigit() and code != last:
            digits += code
        if letter not in "hw":
            last = code
    return (letters[0] + digits + "000")[:4]


def _alike(one: str, other: str) -> bool:
    return fold(one) == fold(other) or sound_of(one) == sound_of(other)


def alike_families(name: str, size: int = 0) -> list[str]:
    """The family names of a population of `size` that sound like `name`, the name itself among them, in order."""
    return _with(name, _families_by_sound(size > SMALL_UNTIL).get(sound_of(name), ()))


def alike_givens(name: str) -> list[str]:
    """The given names that sound like `name` or one that it is short for, by the alphabet."""
    by_sound = _givens_by_sound()
    return _with(name, (one for formal in _formal(name) for one in (formal, *by_sound.get(sound_of(formal), ()))))


def _with(name: str, others: Iterable[str]) -> list[str]:
    by_folded = {fold(one): one for one in (*others, name)}
    return [by_folded[key] for key in sorted(by_folded)]


def _formal(name: str) -> list[str]:
    """The name, and the names it is short for (Bob: Robert)."""
    return [name, *_formal_names().get(fold(name), ())]


@lru_cache(maxsize=1)
def _formal_names() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for given, nicknames in tables.NICKNAMES.items():
        for nickname in nicknames:
            found[fold(nickname)] = (*found.get(fold(nickname), ()), given)
    return found


@lru_cache(maxsize=2)
def _families_by_sound(is_large: bool) -> dict[str, list[str]]:
    drawn = families_of(SMALL_UNTIL + is_large).names
    return _by_sound([*drawn, *(role.row["family"] for role in roles())])


@lru_cache(maxsize=1)
def _givens_by_sound() -> dict[str, list[str]]:
    return _by_sound([*(row.name for row in tables.GIVEN_NAMES), *(role.row["given"][0] for role in roles())])


def _by_sound(names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        found.setdefault(sound_of(name), []).append(name)
    return found
