"""How the REST API speaks: parameters in, JSON out.

Names of parameters are read in any case; lists come repeated or with commas; bodies are forms, and a JSON body is
simply not seen. Answers have their keys in no order, escaped slashes, and types that depend on how old the endpoint is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, quote
from zlib import crc32

import orjson

from simulator.exchange import Exchange, Headers, Reply
from simulator.fhir.build import plain
from simulator.refusal import NotSimulated, Refusal
from simulator.vendors.athena import ids, words
from simulator.vendors.athena.charts import PatientChart, patient_chart

MEDIA = "application/json; charset=UTF-8"
MAX_LIMIT = 5000
_HEADERS: Headers = [
    (b"content-type", MEDIA.encode()),
    (b"cache-control", b"no-cache, no-store"),
    (b"pragma", b"No-cache"),
    (b"expires", b"Mon, 06 Jan 1975 16:00:00 GMT"),
    (b"vary", b"Accept-Encoding"),
    (b"cneonction", b"close"),  # a load balancer scrambles the name: seen until 2023
]
_FORM = "application/x-www-form-urlencoded"

Served = tuple[tuple[str, str], ...]


class Query:
    """The parameters of a call: query string and form body together, names folded to lower case.

    Raises (on construction):
        NotSimulated: a multipart body.
    """

    __slots__ = ("_pairs",)

    def __init__(self, x: Exchange) -> None:
        pairs = list(x.params)
        if x.body:
            media = (x.header("content-type") or "").partition(";")[0].strip().lower()
            if media == _FORM:
                pairs += form_of(x)
            elif media.startswith("multipart/"):
                raise NotSimulated("athena REST: a multipart form; send application/x-www-form-urlencoded")
        self._pairs = [(name.partition("[")[0].lower(), value) for name, value in pairs]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)

    def has(self, name: str) -> bool:
        return any(name == key for key, _ in self._pairs)

    def text(self, name: str) -> str | None:
        """The first value, None when it is absent or blank."""
        for key, value in self._pairs:
            if key == name:
                return value.strip() or None
        return None

    def texts(self, name: str) -> list[str]:
        """Every value: repeated parameters and comma lists alike."""
        return [part.strip() for key, value in self._pairs if key == name for part in value.split(",") if part.strip()]

    def integer(self, name: str) -> int | None:
        """An integer, None when absent. Raises Refusal, reason not_integer, also for a blank value."""
        for key, value in self._pairs:
            if key == name:
                try:
                    return int(value)
                except ValueError:
                    raise Refusal(
                        "malformed", f"{name}={value!r} is no integer", reason="not_integer", value=value
                    ) from None
        return None

    def flag(self, name: str) -> bool:
        """Whether a boolean is `true`, in any case: `next` links spell it True. Raises Refusal, reason not_boolean."""
        value = self.text(name)
        if value is not None and value.lower() not in ("true", "false"):
            raise Refusal("malformed", f"{name}={value!r} is no boolean", reason="not_boolean", value=value)
        return value is not None and value.lower() == "true"

    def day(self, name: str) -> date | None:
        """A day, None when absent. Raises Refusal, reason not_date."""
        value = self.text(name)
        if value is None:
            return None
        on = words.parse_us_day(value)
        if on is None:
            raise Refusal("malformed", f"{name}={value!r} is no MM/DD/YYYY", reason="not_date", value=value)
        return on

    def require(self, *names: str) -> None:
        """Raises Refusal, reason missing_fields, naming those of `names` that are absent."""
        missing = [name for name in names if not self.has(name)]
        if missing:
            raise Refusal("malformed", f"missing: {', '.join(missing)}", reason="missing_fields", missing=missing)

    def key(self, *ignored: str) -> str:
        """The parameters as one text, for caching."""
        return "&".join(f"{name}={value}" for name, value in self._pairs if name not in ignored)


def form_of(x: Exchange) -> list[tuple[str, str]]:
    """The body as form pairs; bytes that are no UTF-8 become replacement characters, as Perl would take them."""
    return parse_qsl(x.body.decode("utf-8", "replace"), keep_blank_values=True)


def practice_of(x: Exchange) -> None:
    """Refuses a practice that does not exist, or that no key here was granted."""
    assert x.route is not None
    practice = x.route.args[0]
    if practice == ids.PRACTICE:
        return
    if practice in ids.OTHER_PRACTICES:
        raise Refusal("unauthenticated", f"practice {practice} is not granted", reason="practice_not_granted")
    raise Refusal("not_found", f"no practice {practice}", reason="no_practice", id=practice)


def patient_number(x: Exchange, text: str) -> int:
    """The patient that a path names. Raises Refusal: 0 counts as absent, others are not found."""
    number = ids.number_of(x.site, text)
    if number is not None:
        return number
    value = ids.whole_number(text)
    if value is None:
        raise Refusal("malformed", f"patient id {text!r}", reason="not_integer", value=text)
    if value == 0:
        raise Refusal("malformed", "patient id 0", reason="missing_fields", missing=["patientid"])
    raise Refusal("not_found", f"no patient {text}", reason="no_patient", id=text)


def department_index(x: Exchange, query: Query) -> int:
    """The facility behind `departmentid`. Raises Refusal when it is absent, no integer, or no department."""
    query.require("departmentid")
    value = query.integer("departmentid")
    assert value is not None
    index = value - 1
    if not 0 <= index < len(x.site.sandbox.world.population.facilities):
        raise Refusal("malformed", f"no department {value}", reason="no_department", value=str(value))
    return index


def chart_of(x: Exchange, query: Query) -> PatientChart:
    """The chart a `/chart/{patientid}/…` call is about: through `departmentid`, which must share the patient's chart.

    Raises:
        Refusal: department absent or unknown, no such patient, or a department of another chart sharing group.
    """
    assert x.route is not None
    practice_of(x)
    index = department_index(x, query)
    seen = patient_chart(x.site, patient_number(x, x.route.args[1]))
    if ids.chart_sharing_group(index) != ids.chart_sharing_group(seen.home.index):
        raise Refusal(
            "not_found", f"department {index + 1} does not share the chart of {seen.patientid}", reason="no_patient"
        )
    return seen


# Out


def answer(value: Any, served: Iterable[tuple[str, str]] = (), *, profile: str = "mixed", salt: int = 0) -> Reply:
    """A 200 with `value` as athena writes JSON."""
    return Reply(200, dumps(value, profile=profile, salt=salt), list(_HEADERS), served=tuple(served))


def kept(x: Exchange, key: tuple[Any, ...], make: Callable[[], tuple[Any, Iterable[tuple[str, str]]]]) -> Reply:
    """The answer kept under `key`, or a new one of `make`, which gives (value, served)."""
    cache = x.site.cache
    profile = x.site.settings["type_profile"]
    whole = ("rest", profile, *key)
    ready = cache.get(whole)
    if ready is None:
        value, served = make()
        number = b"%d\n" % x.notes.get("page", 0)
        ready = cache.put(whole, number + pack(served) + b"\n" + dumps(value, profile=profile))
    number, head, body = ready.split(b"\n", 2)
    if number != b"0":  # which page it is, faults ask again each time
        x.notes["page"] = int(number)
    return Reply(200, body, list(_HEADERS), served=unpack(head))


def pack(served: Iterable[tuple[str, str]]) -> bytes:
    """(type, id) pairs as one line of bytes, to be kept beside a body."""
    return "\t".join(f"{type}\t{id}" for type, id in served).encode()


def unpack(line: bytes) -> Served:
    """The pairs that `pack` made a line of."""
    parts = line.decode().split("\t") if line else []
    return tuple(zip(parts[::2], parts[1::2], strict=True))


def dumps(value: Any, *, profile: str = "mixed", salt: int = 0) -> bytes:
    """JSON as the Perl side writes it: keys in a fixed but meaningless order, `/` escaped, types by `profile`."""
    return orjson.dumps(_worded(value, _PROFILES[profile], salt), default=_number).replace(b"/", b"\\/")


def _number(value: Any) -> orjson.Fragment:
    return orjson.Fragment(plain(value))


def _worded(value: Any, retype: Callable[[str, Any], Any] | None, salt: int) -> Any:
    if isinstance(value, dict):
        order = sorted(value, key=lambda name: crc32(name.encode(), salt))
        deeper = salt + len(value)
        return {name: _worded(retype(name, value[name]) if retype else value[name], retype, deeper) for name in order}
    if isinstance(value, list):
        return [_worded(one, retype, salt + place) for place, one in enumerate(value)]
    return value


def _legacy(name: str, value: Any) -> Any:
    """2016: everything but counts and balances is a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and name not in ("totalcount", "balance", "copay"):
        return str(value)
    return value


def _modern(name: str, value: Any) -> Any:
    """As the newest endpoints: ids are numbers, truth values are booleans."""
    if isinstance(value, str):
        if value in ("true", "false"):
            return value == "true"
        if name.endswith("id") and value.isdigit():
            return int(value)
    return value


_PROFILES: Mapping[str, Callable[[str, Any], Any] | None] = {"mixed": None, "legacy": _legacy, "modern": _modern}


def page(x: Exchange, query: Query, name: str, total: int, *, default: int, is_counted: bool = True) -> Page:
    """The page of a list that the call asks for. Raises Refusal, reason not_integer."""
    limit = query.integer("limit")
    offset = query.integer("offset") or 0
    size = default if limit is None or limit <= 0 else min(limit, MAX_LIMIT)
    size = min(size, x.site.settings["max_page"])
    x.notes["page"] = max(0, offset) // size + 1
    return Page(name, max(0, offset), size, total, is_counted, _next_query(query, limit, default))


def _next_query(query: Query, limit: int | None, default: int) -> str:
    """The parameters of a `next` link: names in upper case, booleans as Python spells them, a default limit dropped."""
    parts = []
    for name, value in query:
        if name in ("offset", "limit"):
            continue
        spelled = value.capitalize() if value in ("true", "false") else value
        parts.append(f"{name.upper()}={quote(spelled, safe='')}")
    if limit is not None and limit > 0 and limit != default:
        parts.append(f"LIMIT={min(limit, MAX_LIMIT)}")
    return "&".join(parts)


class Page:
    """One page of a list envelope: `{next?, previous?, totalcount?, name: […]}`."""

    __slots__ = ("_counted", "_query", "name", "offset", "size", "total")

    def __init__(self, name: str, offset: int, size: int, total: int, is_counted: bool, query: str) -> None:
        self.name = name
        self.offset = offset
        self.size = size
        self.total = total
        self._counted = is_counted
        self._query = query

    @property
    def end(self) -> int:
        return self.offset + self.size

    def envelope(self, path: str, items: list[Any]) -> dict[str, Any]:
        """The envelope; `path` stands below the practice. The version segment of the links is always v1."""
        made: dict[str, Any] = {self.name: items}
        if self._counted:
            made["totalcount"] = self.total
        if self.end < self.total:
            made["next"] = self._link(path, self.end)
        if self.offset > 0:
            made["previous"] = self._link(path, max(0, self.offset - self.size))
        return made

    def _link(self, path: str, offset: int) -> str:
        joined = f"{self._query}&offset={offset}" if self._query else f"offset={offset}"
        return f"/v1/{ids.PRACTICE}{path}?{joined}"


def one_of(value: str | None, parameter: str, *accepted: str) -> None:
    """Refuses a value that is not in a closed list, minding case. Raises Refusal, reason not_in_enum."""
    if value is not None and value not in accepted:
        raise Refusal(
            "malformed", f"{parameter}={value!r}", reason="not_in_enum", value=value, parameter=parameter.upper()
        )


def gap(what: str) -> NotSimulated:
    """Our gap: a call athena answers and we do not."""
    return NotSimulated(f"athena REST: {what}")
