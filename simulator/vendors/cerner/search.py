"""Searches: reading the question by the rules of its type, and finding what it asks in one patient's chart.

What Millennium does not know it ignores, as long as something it knows is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from simulator.fhir import search as fhir
from simulator.refusal import NotSimulated, Refusal
from simulator.sandbox import Site
from simulator.vendors.cerner import ids, store
from simulator.vendors.cerner.resources import TELLINGS, observation
from simulator.vendors.cerner.resources.condition import ANY
from simulator.vendors.cerner.resources.encounter import row_of_financial_number
from simulator.vendors.cerner.resources.telling import Item, Telling
from simulator.vendors.cerner.rules import Param, Rules


class Query(NamedTuple):
    """A search that obeys the rules: the parameters that count, entries of a page (0: all on one), what comes along:
    provenance, and what `_include` asks for."""

    rules: Rules
    params: tuple[fhir.Param, ...]
    page_size: int
    with_provenance: bool
    include: str = ""

    def all(self, name: str) -> list[fhir.Param]:
        """The parameters called `name`, in order."""
        return [param for param in self.params if param.name == name]

    def first(self, name: str) -> fhir.Param | None:
        return next(iter(self.all(name)), None)


class Found(NamedTuple):
    """The ids that a search finds, in listing order; the first `together` come on the first page, whatever its size."""

    ids: tuple[str, ...]
    together: int = 0


def _refused(text: str, detail: str = "", **facts: object) -> Refusal:
    """A search that breaks a rule; `text` is what the caller reads."""
    return Refusal("malformed", detail or text, text=text, **facts)


# Reading the question


def query_of(rules: Rules, pairs: Iterable[tuple[str, str]]) -> Query:
    """The query of raw (name, value) pairs.

    Raises:
        Refusal: malformed, with the `text` for the caller and the `reason` of the broken rule.
        NotSimulated: a parameter that Millennium has and we have not.
    """
    params = fhir.parse(pairs)
    known = tuple(param for param in params if param.name in rules.by_name and any(param.values))
    names = {param.name for param in known}
    for param in known:
        if not rules.by_name[param.name].served:
            raise NotSimulated(f"{rules.type} search by {param.name} at Cerner")
    if rules.one_of and not names.intersection(rules.one_of):
        listed = [*rules.one_of, "-pageContext"] if rules.page_size else list(rules.one_of)
        text = (
            f"at least one of {', '.join(listed[:-1])}{',' if len(listed) > 2 else ''} or {listed[-1]} must be provided"
        )
        raise _refused(text, reason="no_supported_parameter")
    _check_company(rules, known, names)
    for param in known:
        _check_form(rules.by_name[param.name], param)
    return Query(rules, known, _count(rules, known), _wants_provenance(params), _included(rules, params))


def _check_company(rules: Rules, known: tuple[fhir.Param, ...], names: set[str]) -> None:
    """Which parameters may stand together, and how often."""
    for param in rules.params:
        times = sum(one.name == param.name for one in known)
        if times > param.times:
            text = "multiple values for query parameter is not supported"
            raise _refused(text, f"{param.name} comes {times} times", reason="repeated", parameter=param.name)
        if times and param.only_with and param.only_with not in names:
            text = f"{param.name} may only be provided with {param.only_with}"
            raise _refused(text, reason="not_alone", parameter=param.name)
    if "_id" in names and names - {"_id", "_count"}:
        raise _refused("_id may not be provided with other parameters", reason="id_with_others", parameter="_id")
    if {"patient", "subject"} <= names:
        raise _refused("only one of patient or subject may be provided", reason="two_subjects", parameter="subject")
    for one, other in rules.apart:
        if {one, other} <= names:
            raise _refused(f"{one} and {other} may not be provided together", reason="apart", parameter=other)
    asking, needed = rules.needs
    if names.intersection(asking) and not names.intersection(needed):
        listed = f"at least one of {' and '.join(needed)}" if len(needed) > 1 else needed[0]
        raise _refused(f"{listed} must be provided", reason="needs", parameter=needed[0])
    for name in names:
        if rules.by_name[name].kind == "date":
            _check_pair(rules.by_name[name], [param for param in known if param.name == name])


def _check_pair(rule: Param, dates: list[fhir.Param]) -> None:
    """A date that comes twice is a closed range: one lower and one upper bound."""
    name = rule.name
    bounds = sorted(param.value[:2] for param in dates)
    if rule.closed and bounds != list(rule.closed):
        text = f"{name}: must be provided twice, with the prefixes {' and '.join(rule.closed)}"
        raise _refused(text, reason="no_closed_range", parameter=name)
    if len(dates) > 1 and (bounds[0] not in ("ge", "gt") or bounds[-1] not in ("le", "lt")):
        raise _refused(f"{name}: two dates must be a lower and an upper bound", reason="no_range", parameter=name)
    if rule.time == "range" and len(dates) > 1:
        for param in dates:
            _check_time(rule, param.value, "must")


def _check_form(rule: Param, param: fhir.Param) -> None:
    """How one parameter is written."""
    name = rule.name
    if len(param.values) > 1 and not rule.many:
        text = "multiple values for query parameter is not supported"
        raise _refused(text, f"{name} has a list", reason="list", parameter=name)
    if rule.kind != "date":
        return
    try:
        prefix, _, _ = fhir.date_range(param.value)
    except Refusal:
        raise _refused(f"{name}: invalid date", f"{name}={param.value}", reason="bad_date", parameter=name) from None
    if prefix not in rule.prefixes:
        text = f"{name}: prefix must be one of {', '.join(rule.prefixes)}"
        raise _refused(text, f"{name}={param.value}", reason="bad_prefix", parameter=name)
    _check_time(rule, param.value, rule.time)


def _check_time(rule: Param, value: str, wish: str) -> None:
    has_time = fhir.precision(value) in ("minute", "second", "fraction")
    if wish == "must" and not has_time:
        raise _refused(f"{rule.name}: must have a time", reason="no_time", parameter=rule.name)
    if wish == "never" and has_time:
        raise _refused(f"{rule.name}: must not have a time", reason="time", parameter=rule.name)


def _count(rules: Rules, known: tuple[fhir.Param, ...]) -> int:
    asked = next((param.value for param in known if param.name == "_count"), None)
    if asked is None or not rules.page_size:
        return rules.page_size
    if not (asked.isascii() and asked.isdigit() and int(asked) > 0):
        raise _refused("_count: must be a positive integer", reason="bad_count", parameter="_count")
    return min(int(asked), rules.max_size)


def _wants_provenance(params: list[fhir.Param]) -> bool:
    for param in params:
        if param.name == "_revinclude":
            if param.modifier or param.values != ("Provenance:target",):
                raise _refused(
                    "_revinclude: must be Provenance:target", reason="bad_revinclude", parameter="_revinclude"
                )
            return True
    return False


def _included(rules: Rules, params: list[fhir.Param]) -> str:
    asked = [param for param in params if param.name == "_include"] if rules.includes else []
    if not asked:
        return ""
    text = f"_include: must be {' or '.join(rules.includes)}"
    if len(asked) > 1 or len(asked[0].values) > 1:
        raise _refused(text, reason="bad_include", parameter="_include")
    param = asked[0]
    wish = f"{param.value}:{param.modifier}" if param.modifier else param.value
    if wish not in rules.includes:
        raise _refused(text, f"_include={wish}", reason="bad_include", parameter="_include")
    return wish


# Finding


def find(site: Site, query: Query) -> Found:
    """What a query finds, in the order in which the site lists it.

    Raises:
        Refusal: unprocessable, when too many patients match.
    """
    listed = query.first("_id")
    type = query.rules.type
    if listed is not None:
        asked = [id for id in dict.fromkeys(listed.values) if id]
        return Found(
            tuple(id for id, one in zip(asked, store.read_all(site, type, asked), strict=True) if one is not None)
        )
    return of_chart(site, query, TELLINGS[type])


def of_chart(site: Site, query: Query, telling: Telling) -> Found:
    """What a query finds in the chart of the patient that it is about."""
    number, only = _subject(site, query)
    if number is None:
        return Found(())
    key = ("found", telling.type, number, only, store.stamp_of(site, telling.kind, number), _cache_key(query))
    kept = site.cache.get(key)
    if kept is None:
        chart = store.chart_of(site, number)
        if chart is None:
            return Found(())
        kept = site.cache.put(key, _listed(site, query, telling, telling.items(site, chart), only))
    first, *found = kept.decode().split(",")
    return Found(tuple(found), int(first))


def _listed(site: Site, query: Query, telling: Telling, items: Sequence[Item], only: int | None) -> bytes:
    """What fits, as text: how many stay together, then the ids in listing order."""
    tests = tests_of(site, query, telling)
    if query.first("patient") or query.first("subject"):
        tests.append(telling.listed)
    fitting = [
        item for item in items if (only is None or item.row.ordinal == only) and all(test(item) for test in tests)
    ]
    together = 0
    if telling.type == "Observation":
        fitting.sort(key=lambda item: not observation.is_social_history(item))
        together = sum(map(observation.is_social_history, fitting))
    return ",".join([str(together), *(telling.id_of(site, item) for item in fitting)]).encode()


def _cache_key(query: Query) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple(
        (one.name, one.modifier, one.raw) for one in query.params if one.name not in ("_count", "patient", "subject")
    )


def _subject(site: Site, query: Query) -> tuple[int | None, int | None]:
    """(patient number, the one ordinal that is meant or None): whom the search is about; number None finds nothing."""
    subject = query.first("patient") or query.first("subject")
    if subject is not None:
        type, id = fhir.reference(subject.value)
        if type not in ("", "Patient") or subject.modifier not in ("", "Patient"):
            return None, None
        return ids.person_of(site, id), None
    visit = query.first("-encounter")
    if visit is not None:
        row = TELLINGS["Encounter"].row_of(site, fhir.reference(visit.value)[1])
        return (None, None) if row is None else (row.number, None)
    numbered = query.first("identifier")
    row = None if numbered is None else row_of_financial_number(site, numbered.tokens[0][1])
    return (None, None) if row is None else (row.number, row.ordinal)


def tests_of(site: Site, query: Query, telling: Telling) -> list[Callable[[Item], bool]]:
    """What an item must pass to be found, apart from whose it is."""
    made: list[Callable[[Item], bool]] = []
    now = site.sandbox.clock.now()
    for param in query.params:
        if param.name in telling.tokens:
            made.append(_token_test(site, telling, param))
        elif param.name in telling.dates or param.name == "_lastUpdated":
            made.append(_date_test(site, telling, param, now))
    return made


def _token_test(site: Site, telling: Telling, param: fhir.Param) -> Callable[[Item], bool]:
    pairs = telling.tokens[param.name]
    wanted = param.tokens
    if param.name in ("encounter", "-encounter"):
        wanted = [(None, fhir.reference(value)[1]) for value in param.values]

    def test(item: Item) -> bool:
        return any(
            code == ANY or any(fhir.matches_token(one, system, code) for one in wanted)
            for system, code in pairs(site, item)
        )

    return test


def _date_test(site: Site, telling: Telling, param: fhir.Param, now: datetime) -> Callable[[Item], bool]:
    wanted = fhir.date_range(param.value)
    if param.name == "_lastUpdated":
        return lambda item: fhir.matches_date(wanted, telling.updated(site, item), now=now)
    span_of = telling.dates[param.name]

    def test(item: Item) -> bool:
        span = span_of(site, item)
        return span is not None and fhir.matches_date(wanted, span[0], span[1], now=now)

    return test
