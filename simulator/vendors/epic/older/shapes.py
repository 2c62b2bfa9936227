"""Turns of phrase that both older versions share where R4 says it otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from simulator.vendors.epic.dialect import Json


def move(told: Json, names: dict[str, str]) -> None:
    """Gives elements, and what stands beside them under an underscore, their older names."""
    for now, then in names.items():
        for mark in ("", "_"):
            if mark + now in told:
                told[mark + then] = told.pop(mark + now)


def only_first(told: Json, *names: str) -> None:
    """Lets elements that repeat today be a single one: the first."""
    for name in names:
        if isinstance(told.get(name), list):
            one = told.pop(name)
            if one:
                told[name] = one[0]


def code_of(concept: Json | None) -> str:
    """The first code of a concept; empty without one."""
    return next((str(one["code"]) for one in (concept or {}).get("coding", ()) if "code" in one), "")


def as_code(told: Json, name: str, words: dict[str, str] | None = None) -> None:
    """Lets a concept be its code alone, in the older word where `words` has one."""
    code = code_of(told.pop(name, None))
    if code:
        told[name] = (words or {}).get(code, code)


def as_word(told: Json, name: str, words: dict[str, str]) -> None:
    """Lets a code be the older word."""
    if name in told:
        told[name] = words.get(told[name], told[name])


def notes_as_text(told: Json, name: str) -> None:
    """Lets annotations be one text under `name`."""
    notes = told.pop("note", ())
    if notes:
        told[name] = "\n".join(one["text"] for one in notes)


def related(told: Json) -> None:
    """Members and origins of an observation as `related`."""
    kinds = (("hasMember", "has-member"), ("derivedFrom", "derived-from"))
    made = [{"type": kind, "target": one} for name, kind in kinds for one in told.pop(name, ())]
    if made:
        told["related"] = made


def ordered_dose(dosage: Json) -> Json:
    """The dose that was ordered, of the three that R4 tells, as `doseQuantity` or `doseRange`."""
    doses: Sequence[Json] = dosage.pop("doseAndRate", ())
    chosen = next((one for one in doses if code_of(one.get("type")) == "ordered"), doses[-1] if doses else {})
    return {name: value for name, value in chosen.items() if name != "type"}


def bounds_of(told: Json) -> Json | None:
    """The period of the first dosage of an order."""
    dosage: Iterable[Json] = told.get("dosageInstruction", ())
    for one in dosage:
        found: Any = one.get("timing", {}).get("repeat", {}).get("boundsPeriod")
        if found:
            return dict(found)
    return None


def no_repeats(told: Json) -> None:
    """Leaves out that an order has no refills: the number was a positive one before R4."""
    dispense = told.get("dispenseRequest", {})
    if dispense.get("numberOfRepeatsAllowed") == 0:
        del dispense["numberOfRepeatsAllowed"]


def extensions(told: Json, wanted: Iterable[str]) -> list[Json]:
    """The extensions whose URL ends so, taken out of what is told."""
    endings = tuple(wanted)
    return [one for one in told.pop("extension", ()) if one["url"].endswith(endings)]


def birth_sex(extension: Json) -> str:
    """`F` or `M` from us-core-sex or us-core-birthsex; empty where neither says so."""
    return {"248152002": "F", "248153007": "M", "F": "F", "M": "M"}.get(str(extension.get("valueCode")), "")
