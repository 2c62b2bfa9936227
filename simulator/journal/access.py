"""Who saw what of whom: the access that an exchange was, worked out when somebody asks, never on the way.

The patients are those whom the request names and those whose resources were sent; the scope is what opened the door.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from simulator.exchange import Exchange

_PLACES = frozenset({"patient", "patients", "chart"})
_PARAMETERS = frozenset({"patient", "subject", "patientid", "patient._id"})


@dataclass(frozen=True, slots=True)
class Access:
    """One access.

    patients  the truth's numbers of the patients it touched, in order
    scope     the granted scopes that opened the door, as the vendor spells them
    purpose   why, in a code of HL7 v3 ActReason (`BTG`), where the caller stated it; else empty
    """

    patients: tuple[int, ...]
    scope: tuple[str, ...]
    purpose: str

    def to_json(self) -> dict[str, Any]:
        """The members of a journal entry; patients by their keys."""
        return {
            "patients": [str(number) for number in self.patients],
            "scope": list(self.scope),
            "purpose": self.purpose or None,
        }


def access_of(x: Exchange) -> Access:
    """The access that `x` was."""
    found = dict.fromkeys([*_named(x), *_served(x), *x.notes.get("patients", ())])
    return Access(tuple(sorted(found)), _scope(x), str(x.notes.get("purpose", "")))


def _named(x: Exchange) -> Iterator[int]:
    """The patients whom path, query and form name."""
    parts = x.path.split("/")
    named = [after for before, after in pairwise(parts) if before.lower() in _PLACES]
    wanted = _PARAMETERS | {"_id"} if parts[-1].lower() == "patient" else _PARAMETERS
    pairs = x.params
    if x.method == "POST" and parts[-1] == "_search":
        with suppress(UnicodeDecodeError):
            pairs = [*pairs, *x.form()]
    for name, value in pairs:
        if name.lower() in wanted:
            named += [one.rpartition("/")[2] for one in value.split(",")]
    for id in named:
        number = x.vendor.patient_of(x.site, id) if id else None
        if number is not None:
            yield number


def _served(x: Exchange) -> Iterator[int]:
    """The patients whose resources the answer holds."""
    for type, id in x.reply.served if x.reply is not None else ():
        number = x.vendor.owner(x.site, type, id)
        if number is not None:
            yield number


def _scope(x: Exchange) -> tuple[str, ...]:
    """Those of the caller's scopes that name the type of the door, or every type; all, where none does."""
    if x.caller is None or x.route is None or x.route.needs is None:
        return ()
    type = x.route.needs[0].lower()
    fitting = tuple(one for one in x.caller.scopes if _type_of(one) in (type, "*"))
    return fitting or tuple(one for one in x.caller.scopes if "/" not in one or _type_of(one) == "")


def _type_of(scope: str) -> str:
    """`patient` of `system/Patient.read`; empty for what is no scope of one type."""
    context, slash, rest = scope.partition("/")
    return rest.partition(".")[0].lower() if slash and context in ("patient", "user", "system") else ""
