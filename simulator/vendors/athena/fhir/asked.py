"""What a FHIR search asks for: its parameters read, and refused where athena refuses them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.fhir import build
from simulator.fhir import search as spelled
from simulator.refusal import NotSimulated, Refusal
from simulator.vendors.athena import ids, words
from simulator.vendors.athena.fhir.rules import Rule

DEFAULT_COUNT = 20
MAX_COUNT = 1000
PAGING = frozenset({"ah-practice", "_count", "cursor", "_include"})
NOT_FILTERS = PAGING | {"_id", "_sort"}
_PRACTICE_FORMS = frozenset({ids.practice_reference(), ids.practice_reference().removeprefix("Organization/")})

Pairs = list[tuple[str, str]]


class OutcomeOnly(Exception):
    """A search that athena answers with 200 and a bundle that holds only an outcome."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One match: its id, its ready bytes, and what it was made of (None where nothing can be included)."""

    id: str
    resource: bytes
    item: Any = None


@dataclass(frozen=True, slots=True)
class Found:
    """One page of matches: how many there are in all (None: not counted), the first id of the next page, and which
    page this is."""

    hits: list[Hit]
    total: int | None
    following: str | None = None
    number: int = 1


def check_practice(pairs: Pairs) -> None:
    """`ah-practice` on every search, unless it is by a full `_id`.

    Raises:
        OutcomeOnly: the parameter carries a modifier.
        Refusal: it is missing, or names another practice.
    """
    given = [(name, value) for name, value in pairs if name.partition(":")[0] == "ah-practice"]
    if any(":" in name for name, _ in given):
        raise OutcomeOnly
    if not given:
        wanted = [value for name, value in pairs if name == "_id"]
        if wanted and all(ids.parse_fhir_id(one) for value in wanted for one in value.split(",")):
            return
        raise invalid("ah-practice is missing", "practice_missing")
    for _, value in given:
        if value not in _PRACTICE_FORMS:
            raise Refusal("forbidden", f"practice {value} is not granted", reason="practice_not_granted")


def known_params(rule: Rule, pairs: Pairs) -> list[spelled.Param]:
    """The parameters that the server knows; unknown ones are ignored (a guess), blank ones count as absent.

    Raises:
        NotSimulated: a parameter of athena's that we lack.
    """
    known = []
    for param in spelled.parse(pairs):
        if param.name in rule.lacking:
            raise NotSimulated(f"athena FHIR: search parameter {param.name}")
        if (param.name in rule.params or param.name == "_include") and all(value.strip() for value in param.values):
            known.append(param)
    return known


def check_required(rule: Rule, params: list[spelled.Param]) -> None:
    given = {param.name for param in params}
    if not any(given.issuperset(combination) for combination in rule.any_of):
        wanted = " or ".join("+".join(combination) for combination in rule.any_of)
        raise invalid(f"none of {wanted}", "required_missing")


def count_of(params: list[spelled.Param]) -> int:
    for param in params:
        if param.name == "_count":
            value = ids.whole_number(param.value)
            if not value:
                raise invalid(f"_count={param.value}", "bad_number")
            return min(value, MAX_COUNT)
    return DEFAULT_COUNT


def cursor_of(params: list[spelled.Param]) -> str | None:
    return next((param.value for param in params if param.name == "cursor"), None)


def values_of(params: list[spelled.Param], name: str) -> list[tuple[str, ...]]:
    return [param.values for param in params if param.name == name]


def invalid(detail: str, reason: str) -> Refusal:
    return Refusal("malformed", detail, reason=reason)


def range_of(text: str) -> spelled.Interval:
    try:
        return spelled.date_range(text)
    except Refusal as refusal:
        raise invalid(refusal.detail, "bad_date") from None


def matches_last_updated(changed: datetime, param: spelled.Param) -> bool:
    """Days only: an instant is refused, so nothing finer than a day can be asked for."""
    if any("T" in value for value in param.values):
        raise invalid(f"_lastUpdated={param.value}", "bad_date")
    zone = build.zone_of(words.EASTERN)
    return any(spelled.matches_date(spelled.date_range(value, zone), changed) for value in param.values)
