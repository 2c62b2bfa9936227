"""The doors: which path is what.

What Epic has and we do not is our gap (501); what Epic does not have either is a page of the web server (E8).

Source: SOURCES.md, "Doors" (CS, FS, MAP).
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.exchange import Exchange, Reply, Route
from simulator.fetch import client_keys
from simulator.refusal import NotSimulated, Refusal
from simulator.vendors.epic import (
    answers,
    auth,
    bulk,
    capability,
    dynamic,
    filing,
    glass,
    match,
    older,
    paths,
    services,
    smart,
    summary,
)
from simulator.vendors.epic.params import INTERACTIONS

_PREFIX = paths.FHIR + "/"


def route(x: Exchange) -> Route:
    """Which door `x` came to.

    Raises:
        Refusal: not_found with reason no_such_path; unsupported, when nobody listens to the method.
        NotSimulated: Epic has this and we do not.
    """
    if x.site.settings["oauth_root"] != paths.ROOT:
        _move(x)
    path = x.path
    if "//" in path or path.endswith("/"):
        path = "/" + "/".join(part for part in path.split("/") if part)
    if x.method == "OPTIONS" and path.startswith(paths.ROOT):
        return _PREFLIGHT
    parts = path[len(_PREFIX) :].split("/") if path.startswith(_PREFIX) else []
    found = _fhir_door(x.method, parts) if parts else _DOORS.get((x.method, path))
    for find in () if found else _FURTHER:
        found = found or find(x, path)
    if found is None:
        raise _no_door(x, parts) if parts else _gap(x, path)
    return found


def _move(x: Exchange) -> None:
    """Lets an OAuth path be the usual one at a site that keeps it elsewhere.

    Raises:
        Refusal: not_found with reason no_such_path, for the usual one.
    """
    known = paths.as_known(x.site, x.path)
    if not known:
        raise _no_path(x)
    x.path = known


def _fhir_door(method: str, parts: list[str]) -> Route | None:
    """The door of a path below the FHIR base: by type and interaction, then by what stands behind the type."""
    type = parts[0]
    letters = INTERACTIONS.get(type, "")
    if len(parts) == 2 and method == "GET" and "r" in letters and not parts[1].startswith(("$", "_")):
        return Route(f"{type}.read", answers.read, (type, parts[1]), (type, "r"))
    is_search = parts[1:] == ["_search"] if method == "POST" else method == "GET" and len(parts) == 1
    if is_search and "s" in letters:
        return Route(f"{type}.search", answers.find, (type,), (type, "s"))
    if method == "POST" and len(parts) == 1 and "c" in letters:
        return Route(f"{type}.create", filing.create, (type,), (type, "c"))
    if method == "PUT" and len(parts) == 2 and "u" in letters:
        return Route(f"{type}.update", filing.update, (type, parts[1]), (type, "u"))
    return _FHIR_DOORS.get((method, "/".join(parts))) if len(parts) <= 2 else None


def _no_door(x: Exchange, parts: list[str]) -> Exception:
    """Our gap, or a path that Epic does not have either."""
    if x.method in ("PUT", "PATCH", "DELETE"):
        return Refusal("unsupported", f"{x.method} on {parts[0]}", reason="no_such_method")
    return _no_path(x)


def _no_path(x: Exchange) -> Refusal:
    return Refusal("not_found", f"Epic has no {x.method} {x.path}", reason="no_such_path")


def _gap(x: Exchange, path: str) -> Exception:
    """Our gap beside FHIR R4, or a path that Epic does not have either."""
    for prefix, what in _GAPS:
        if path.startswith(paths.ROOT + prefix):
            return NotSimulated(f"Epic's {what}")
    return _no_path(x)


_CLIENT_KEYS = client_keys(auth.KEYS_KEPT)
_PREFLIGHT = Route("preflight", lambda x: Reply(200))
_AUTHORIZE = Route("authorize", smart.authorize)
_OPENID = Route("openid-configuration", smart.openid_configuration)
_FHIR_DOORS: dict[tuple[str, str], Route] = {
    ("GET", "metadata"): Route("metadata", capability.metadata),
    ("GET", ".well-known/smart-configuration"): Route("smart-configuration", capability.smart_configuration),
    ("GET", ".well-known/openid-configuration"): _OPENID,
    ("POST", "Patient/$match"): Route("Patient.match", match.match, (), ("Patient", "s")),
}
"""Doors below the FHIR base that are no read and no search: method, path → route."""
_DOORS: dict[tuple[str, str], Route] = {
    ("POST", paths.TOKEN): Route("token", auth.token, prepare=_CLIENT_KEYS),
    ("GET", paths.AUTHORIZE): _AUTHORIZE,
    ("POST", paths.AUTHORIZE): _AUTHORIZE,
    ("POST", paths.REGISTER): Route("register", dynamic.register),
    ("POST", paths.INTROSPECT): Route("introspect", auth.introspect, prepare=_CLIENT_KEYS),
    ("GET", paths.OAUTH + "/.well-known/openid-configuration"): _OPENID,
    ("GET", smart.STYLE): Route("style", smart.style),
    ("GET", paths.KEYS): Route("keys", capability.keys),
}
"""Doors beside FHIR R4: method, path → route."""
_FURTHER: tuple[Callable[[Exchange, str], Route | None], ...] = (
    glass.route,
    summary.route,
    bulk.route,
    services.route,
    older.route,
)
"""Parts of the room that know their doors by a pattern; each gives None for a path that is not its own."""
_GAPS = (("/api/epic/", "proprietary web services"),)
