"""A search of an older version as R4 is asked it."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.exchange import Exchange
from simulator.vendors.epic import errors
from simulator.vendors.epic.older import telling
from simulator.vendors.epic.older.version import Kind, Version
from simulator.vendors.epic.params import COMMON, PARAMS

Pairs = list[tuple[str, str]]


def in_r4(x: Exchange, version: Version, kind: Kind) -> Pairs:
    """The parameters that R4 is asked with. What the version does not declare is passed on only where R4 does not
    either, and is ignored there.

    Raises:
        Refusal: malformed with issues: a status without the one that must be there.
    """
    session = x.param("sessionID")
    if session is not None:
        return [("sessionID", session)]
    strange = {*PARAMS[kind.now].first, *PARAMS[kind.now].later, "_include", "_revinclude", "_summary"}
    pairs: Pairs = []
    for name, value in x.params:
        if name in kind.idle or (name not in kind.params and name in strange):
            continue
        pairs.append((kind.renamed.get(name, name), _value(x, version, kind, name, value)))
    given = {name for name, value in x.params if value}
    pairs += [(one.name, one.value) for one in kind.usual if given.isdisjoint(one.unless)]
    return pairs


def _value(x: Exchange, version: Version, kind: Kind, name: str, value: str) -> str:
    if name == "_id":
        return ",".join(telling.id_now(version, x.site.key, kind.name, one) for one in value.split(","))
    if name in COMMON or kind.params.get(name) is None:
        return value
    if kind.params[name] == "reference":
        return ",".join(_reference(x, version, name, one) for one in value.split(","))
    if name == "status" and kind.with_active and value and "active" not in value.split(","):
        raise errors.refused(errors.bad_value(name, value), "status_without_active", kind.name)
    return ",".join(_words(kind, name, value.split(","))) if name in kind.words else value


def _words(kind: Kind, name: str, codes: Iterable[str]) -> Iterable[str]:
    """Each code in R4's words; the system before it is another one in R4 and counts for nothing."""
    for one in codes:
        code = one.rpartition("|")[2]
        yield kind.words[name].get(code, code)


def _reference(x: Exchange, version: Version, name: str, value: str) -> str:
    type, slash, id = value.rpartition("/")
    meant = "Encounter" if name == "encounter" else "Patient"
    return f"{type}{slash}{telling.id_now(version, x.site.key, meant, id)}"
