"""The doors of Rave Web Services. Five are public and answer; behind all others stands what is not simulated.

Source: SOURCES.md, "Doors" (RWSLIB: every request of Medidata's own client; DUCK: what else is there).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from simulator.exchange import Exchange, Reply, Route, reply
from simulator.refusal import NotSimulated, Refusal

ROOT = "/RaveWebServices"
_TEXT = "text/plain; charset=utf-8"
VERSION, BUILD, CODENAME = "1.16.0", "5.6.5.213", "Uakari"
_PAGE = "<html><head><title>MAuth</title></head><body><p>MAuth is configured for {url}</p></body></html>"


def _said(words: str, x: Exchange) -> Reply:
    return reply(200, words, _TEXT)


def _two_hundred(x: Exchange) -> Reply:
    return reply(200, _PAGE.format(url=x.base_url + ROOT), "text/html; charset=utf-8")


_PUBLIC: dict[str, tuple[str, Callable[[Exchange], Reply]]] = {
    "version": ("version", partial(_said, VERSION)),
    "version/build": ("version.build", partial(_said, BUILD)),
    "version/codename": ("version.codename", partial(_said, CODENAME)),
    "diagnostics": ("diagnostics", partial(_said, "OK")),
    "twohundred": ("twohundred", _two_hundred),
}
_INSIDE = tuple(
    (method, re.compile(path))
    for method, path in (
        ("GET", r"studies"),
        ("GET", r"studies/[^/]+/subjects"),
        ("GET", r"studies/[^/]+/(subjects/[^/]+/|versions/[^/]+/)?datasets/.+"),
        ("GET", r"metadata/(studies|libraries)(/[^/]+/(drafts|versions)(/[^/]+)?)?"),
        ("POST", r"metadata/studies/[^/]+/drafts"),
        ("GET", r"datasets/[^/]+"),
        ("GET", r"webservice\.aspx"),
        ("POST", r"webservice\.aspx"),
    )
)
"""What Rave answers and this mock does not: method, path below the root."""
_NEEDS = ("rws", "r")


def route(x: Exchange) -> Route:
    """The door a request came to; whether anybody is behind it, only who is let in hears.

    Raises:
        Refusal: not_found, outside of the web services.
    """
    if not x.path.startswith(ROOT + "/"):
        raise Refusal("not_found", f"nothing at {x.path}", reason="no_such_path")
    path = x.path[len(ROOT) + 1 :]
    public = _PUBLIC.get(path) if x.method == "GET" else None
    if public is not None:
        return Route(*public)
    is_known = any(method == x.method and pattern.fullmatch(path) for method, pattern in _INSIDE)
    return Route("inside", _gap if is_known else _nothing, (path,), _NEEDS)


def _gap(x: Exchange) -> Reply:
    raise NotSimulated(f"Rave: {x.method} {x.path}")


def _nothing(x: Exchange) -> Reply:
    raise Refusal("not_found", f"Rave has no {x.method} {x.path}", reason="no_such_path")
