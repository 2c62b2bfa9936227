"""Which exchanges? One composable language for faults, the journal and checks.

A selector asks an exchange questions and is true when every one is answered with yes. Selectors combine with `&`, `|`
and `~`, show themselves as they were built, and have a JSON form:
`{"vendor": "cerner", "path": "/Observation*", "status": 429}`, `{"any": [...]}`, `{"all": [...]}`, `{"not": {...}}`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from fnmatch import translate
from functools import lru_cache
from itertools import pairwise
from typing import Any

from simulator.exchange import Exchange
from simulator.refusal import NotSimulated, Refusal, UsageError

_COMBINED = ("all", "any", "not")


class Selector:
    """A question about an exchange; `Selector(vendor="epic", path="/Observation*")`.

    | field | asks |
    |---|---|
    | vendor, method, client, sandbox, direction | exact; a list means one of them |
    | path | a glob on the path below the vendor's prefix, or on any tail of it from a slash on; `*` crosses slashes |
    | query | a glob on the raw query |
    | operation | a glob on the operation (`Observation.search`, `*.read`) |
    | practice | exact; the practice or tenant whose door it is, as the vendor names it |
    | patient | the truth's key or an id of the vendor's, or a list; calls that name the patient in path or query |
    | region | `2/4`: calls that name a patient of the second of four equal parts of the population |
    | status | the number, a list, or a class such as `5xx`; known after the answer |
    | page | the page number; known after the answer |
    """

    __slots__ = ("_ask", "_json", "is_late")

    def __init__(self, **fields: Any) -> None:
        made = _of_fields(fields)
        self._ask, self._json, self.is_late = made

    @classmethod
    def _made(cls, ask: Callable[[Exchange], bool], json: dict[str, Any], is_late: bool) -> Selector:
        self = object.__new__(cls)
        self._ask, self._json, self.is_late = ask, json, is_late
        return self

    @classmethod
    def from_json(cls, value: Any) -> Selector:
        """The selector of a JSON form; `{}` is every exchange.

        Raises:
            UsageError: the form is not one.
        """
        if not isinstance(value, Mapping):
            raise UsageError(
                f"a selector is an object: {value!r}", 'for example {"vendor": "epic", "path": "/Patient*"}'
            )
        parts = []
        if "not" in value:
            parts.append(~cls.from_json(value["not"]))
        for word in ("all", "any"):
            if word in value:
                listed = value[word]
                if not isinstance(listed, list) or not listed:
                    raise UsageError(f"`{word}` of a selector is a list of selectors: {listed!r}")
                inner = [cls.from_json(one) for one in listed]
                joined = inner[0]
                for one in inner[1:]:
                    joined = joined & one if word == "all" else joined | one
                parts.append(joined)
        plain = {name: asked for name, asked in value.items() if name not in _COMBINED}
        if plain or not parts:
            parts.insert(0, cls(**plain))
        made = parts[0]
        for part in parts[1:]:
            made = made & part
        return made

    def to_json(self) -> dict[str, Any]:
        return self._json

    def __call__(self, x: Exchange) -> bool:
        return self._ask(x)

    def __and__(self, other: Selector) -> Selector:
        left, right = self._ask, other._ask
        return Selector._made(
            lambda x: left(x) and right(x), {"all": [self._json, other._json]}, self.is_late or other.is_late
        )

    def __or__(self, other: Selector) -> Selector:
        left, right = self._ask, other._ask
        return Selector._made(
            lambda x: left(x) or right(x), {"any": [self._json, other._json]}, self.is_late or other.is_late
        )

    def __invert__(self) -> Selector:
        ask = self._ask
        return Selector._made(lambda x: not ask(x), {"not": self._json}, self.is_late)

    def __repr__(self) -> str:
        if "not" in self._json and len(self._json) == 1:
            return f"~{Selector.from_json(self._json['not'])!r}"
        for word, sign in (("all", " & "), ("any", " | ")):
            if word in self._json and len(self._json) == 1:
                return "(" + sign.join(repr(Selector.from_json(one)) for one in self._json[word]) + ")"
        return f"Selector({', '.join(f'{name}={asked!r}' for name, asked in self._json.items())})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selector) and self._json == other._json

    def __hash__(self) -> int:
        return hash(repr(self._json))


def client_of(x: Exchange) -> str:
    """The client that asks, as far as can be known at this station; empty when it cannot.

    The admitted caller; else what the token door noted; else the owner of the presented token, the user of Basic
    credentials, or the form's `client_id`.
    """
    if x.caller is not None:
        return x.caller.client_id
    noted = x.notes.get("client_id")
    if noted:
        return str(noted)
    shown = x.header("authorization") or ""
    scheme, _, rest = shown.partition(" ")
    if scheme.lower() == "bearer":
        try:
            return str(x.site.tokens.find(rest.strip(), x.at).client_id)
        except Refusal:
            return ""
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    if x.body and (x.header("content-type") or "").startswith("application/x-www-form-urlencoded"):
        try:
            return next((value for name, value in x.form() if name == "client_id"), "")
        except UnicodeDecodeError:
            return ""
    return ""


def operation_of(x: Exchange) -> str:
    """The operation of an exchange, asking the room for the door if the pipeline has not come to it; empty if none."""
    if x.route is None:
        try:
            x.route = x.vendor.route(x)
        except (Refusal, NotSimulated):
            return ""
    return x.route.name


_PATIENT_PLACES = frozenset({"patient", "patients", "chart"})
_PATIENT_PARAMETERS = frozenset({"patient", "subject", "patientid", "patient._id"})


def patient_of(x: Exchange) -> int | None:
    """The number of the patient whom the path or the query names; None when it names none."""
    parts = x.path.split("/")
    named = [after for before, after in pairwise(parts) if before.lower() in _PATIENT_PLACES]
    wanted = _PATIENT_PARAMETERS | {"_id"} if parts[-1].lower() == "patient" else _PATIENT_PARAMETERS
    named += [value.rpartition("/")[2] for name, value in x.params if name.lower() in wanted]
    for id in named:
        found = x.vendor.patient_of(x.site, id) if id else None
        if found is not None:
            return found
    return None


@lru_cache(maxsize=1024)
def path_pattern(glob: str) -> re.Pattern[str]:
    """The pattern of a path glob: the whole path, or any tail of it that starts at a slash."""
    return re.compile(r"(?:.*(?=/))?" + translate(glob), re.DOTALL)


def _one_of(read: Callable[[Exchange], str]) -> Callable[[str, Any], Callable[[Exchange], bool]]:
    def made(name: str, asked: Any) -> Callable[[Exchange], bool]:
        listed = asked if isinstance(asked, list | tuple) else [asked]
        if not listed or not all(isinstance(one, str) for one in listed):
            raise UsageError(f"`{name}` of a selector is text or a list of texts: {asked!r}")
        wanted = frozenset(listed)
        return lambda x: read(x) in wanted

    return made


def _glob(read: Callable[[Exchange], str]) -> Callable[[str, Any], Callable[[Exchange], bool]]:
    def made(name: str, asked: Any) -> Callable[[Exchange], bool]:
        if not isinstance(asked, str):
            raise UsageError(f"`{name}` of a selector is a glob: {asked!r}")
        match = re.compile(translate(asked), re.DOTALL).match
        return lambda x: match(read(x)) is not None

    return made


def _path(name: str, asked: Any) -> Callable[[Exchange], bool]:
    if not isinstance(asked, str):
        raise UsageError(f"`{name}` of a selector is a glob: {asked!r}")
    match = path_pattern(asked).match
    return lambda x: match(x.path) is not None


def _status(name: str, asked: Any) -> Callable[[Exchange], bool]:
    exact: set[int] = set()
    classes: set[int] = set()
    for one in asked if isinstance(asked, list | tuple) else [asked]:
        if isinstance(one, bool) or not re.fullmatch(r"[1-5](\d\d|xx)", str(one)):
            raise UsageError(f"`status` of a selector is a status such as 429 or a class such as 5xx: {asked!r}")
        if str(one).endswith("xx"):
            classes.add(int(str(one)[0]))
        else:
            exact.add(int(one))
    return lambda x: x.reply is not None and (x.reply.status in exact or x.reply.status // 100 in classes)


def _page(name: str, asked: Any) -> Callable[[Exchange], bool]:
    if isinstance(asked, bool) or not isinstance(asked, int) or asked < 1:
        raise UsageError(f"`page` of a selector is a page number from 1: {asked!r}")
    return lambda x: x.notes.get("page") == asked


def _patient(name: str, asked: Any) -> Callable[[Exchange], bool]:
    listed = [str(one) for one in (asked if isinstance(asked, list | tuple) else [asked]) if not isinstance(one, bool)]
    if not listed or not all(re.fullmatch(r"\S+", one) for one in listed):
        raise UsageError(f"`patient` of a selector is a key of the truth, an id, or a list of them: {asked!r}")
    keys = {int(one) for one in listed if one.isdigit()}
    ids = [one for one in listed if not one.isdigit()]

    def asks(x: Exchange) -> bool:
        number = patient_of(x)
        return number is not None and (number in keys or any(x.vendor.patient_of(x.site, id) == number for id in ids))

    return asks


def _region(name: str, asked: Any) -> Callable[[Exchange], bool]:
    found = re.fullmatch(r"(\d{1,4})/(\d{1,4})", asked) if isinstance(asked, str) else None
    part, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= part <= parts:
        raise UsageError(f"`region` of a selector is a part of the population such as 2/4: {asked!r}")

    def asks(x: Exchange) -> bool:
        number = patient_of(x)
        return number is not None and number % parts == part - 1

    return asks


def _sandbox_of(x: Exchange) -> str:
    return x.sandbox.id


def _method_of(x: Exchange) -> str:
    return str(x.notes.get("method", x.method))


_FIELDS: dict[str, Callable[[str, Any], Callable[[Exchange], bool]]] = {
    "vendor": _one_of(lambda x: x.vendor.id),
    "method": _one_of(_method_of),
    "sandbox": _one_of(_sandbox_of),
    "direction": _one_of(lambda x: x.direction),
    "path": _path,
    "query": _glob(lambda x: x.query),
    "status": _status,
    "page": _page,
    "practice": _one_of(lambda x: x.vendor.practice(x)),
    "operation": _glob(operation_of),
    "patient": _patient,
    "region": _region,
    "client": _one_of(client_of),
}
_LATE = frozenset({"status", "page"})
FIELDS = {
    "vendor": "one vendor, or one of a list",
    "method": "one HTTP method, or one of a list",
    "sandbox": "one sandbox, or one of a list",
    "direction": "in or out",
    "path": "a glob on the path below the vendor's prefix, or on a tail of it from a slash on",
    "query": "a glob on the raw query",
    "status": "429, a list, or a class such as 5xx; known after the answer",
    "page": "the number of the page; known after the answer",
    "practice": "one practice or tenant as the vendor names it, or one of a list",
    "operation": "a glob on the operation: Observation.search, *.read",
    "patient": "a key of the truth or an id of the vendor, or one of a list: calls that name that patient",
    "region": "2/4: calls that name a patient of the second of four parts of the population",
    "client": "one client id, or one of a list",
}
"""Every question and what it asks, for people and for editors."""


def _of_fields(fields: Mapping[str, Any]) -> tuple[Callable[[Exchange], bool], dict[str, Any], bool]:
    unknown = [name for name in fields if name not in _FIELDS]
    if unknown:
        raise UsageError(f"a selector does not know `{unknown[0]}`; known: {', '.join(sorted(_FIELDS))}, all, any, not")
    given = {name: asked for name, asked in fields.items() if asked is not None}
    # In the table's order, so that cheap questions come before those that ask a room or a token store.
    asks = [make(name, given[name]) for name, make in _FIELDS.items() if name in given]
    is_late = any(name in _LATE for name in given)
    if len(asks) == 1:
        return asks[0], given, is_late
    return (lambda x: all(ask(x) for ask in asks)), given, is_late
