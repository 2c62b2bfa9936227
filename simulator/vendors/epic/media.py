"""Content negotiation and the headers that come with everything.

Source: SOURCES.md, "Answers" (MAP: formats; FS: headers); trap E1: whoever does not name JSON gets XML.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Any

from simulator.exchange import Exchange, Headers, Reply
from simulator.fhir import build, xml
from simulator.ids import text_of
from simulator.vendors.epic import ids, paths

_JSON = ("application/fhir+json", "application/json", "application/json+fhir")
_XML = ("application/fhir+xml", "application/xml")
_DEFAULT = "application/xml"
Format = str  # "json" or "xml"


@lru_cache(maxsize=256)
def negotiated(accept: str | None) -> tuple[Format, bytes]:
    """(format, Content-Type) for an `Accept` header: the first type that Epic knows, by q; else XML.

    `_format` counts for nothing.
    """
    offered = []
    for place, part in enumerate((accept or "").lower().split(",")):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        if media in _JSON or media in _XML:
            offered.append((-_number(quality), place, media))
    media = min(offered)[2] if offered else _DEFAULT
    return "json" if media in _JSON else "xml", f"{media}; charset=utf-8".encode()


def is_fhir(accept: str | None) -> bool:
    """Whether an `Accept` header names a format of FHIR."""
    offered = {part.partition(";")[0].strip() for part in (accept or "").lower().split(",")}
    return any(kind in offered for kind in (*_JSON, *_XML))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


def fhir_reply(x: Exchange, status: int, payload: dict[str, Any]) -> Reply:
    """A reply whose body is `payload` in the format asked for."""
    form, content_type = negotiated(x.header("accept"))
    body = build.dumps(payload) if form == "json" else xml.to_xml(payload)
    return Reply(status, body, [(b"content-type", content_type)])


_CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-credentials", b"true"),
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, DELETE, TRACE, OPTIONS"),
    (
        b"access-control-allow-headers",
        b"origin, authorization, accept, content-type, x-requested-with, prefer, Epic-User-ID, Epic-User-IDType, "
        b"Epic-Client-ID, soapaction, Epic-MyChartUser-ID, Epic-MyChartUser-IDType",
    ),
]
_ALWAYS: Headers = [(b"strict-transport-security", b"max-age=31536000; includeSubDomains"), *_CORS]
_SERVED: Headers = [
    (b"cache-control", b"no-cache,no-store"),
    (b"pragma", b"no-cache"),
    (b"expires", b"-1"),
    *_ALWAYS,
]
_NOT_STORED: Headers = [(b"cache-control", b"no-store"), *_ALWAYS]
COOKIE = "EpicPersistenceCookie"


def finish(answer: Reply, x: Exchange) -> Reply:
    """The headers that the web server and the load balancer add; our own gaps stay bare.

    Pages of the web server itself (HTML) have no timings. The affinity cookie comes while the caller sends none.
    """
    if not answer.simulated:
        return answer
    kind = answer.header("content-type")
    if x.path == paths.AUTHORIZE:
        added = _ALWAYS[:1]  # pages for people: no other origin reads them (RFC 9700 section 2.6)
    elif kind is not None and kind.startswith("text/html"):
        added = _NOT_STORED
    else:
        added = [*_SERVED, (b"servermetrics", _metrics(answer, x))] if kind is not None else _SERVED
    cookie = x.header("cookie")
    if cookie is None or COOKIE not in cookie:
        value = f"{COOKIE}=!{_affinity(x.site.secret)}==; path=/; Httponly; Secure"
        added = [*added, (b"set-cookie", value.encode())]
    named = {name for name, _ in answer.headers}
    headers = [*answer.headers, *(pair for pair in added if pair[0] not in named)]
    return Reply(answer.status, answer.body, headers, answer.simulated, answer.served)


@lru_cache(maxsize=64)
def _affinity(secret: bytes) -> str:
    return text_of(secret, "affinity", length=86, alphabet=ids.LETTERS[:62] + "+/")


def _metrics(answer: Reply, x: Exchange) -> bytes:
    """Timings of the data base, as JSON in a header: made up in the ranges that FS recorded, equal for equal calls."""
    draw = zlib.crc32(x.path.encode() + x.query.encode())
    spent = 13 + draw % 60
    return b'{"BlockReads":%d,"DBTime":%d,"ECFRequestTime":%d,"GREF":%d}' % (
        1 + draw % 290, spent - draw % 7, spent, 1000 + len(answer.body) // 4,
    )  # fmt: skip


def misspelt_tag(body: bytes) -> tuple[bytes, bytes]:
    """The `E-Tag` of a patient: a bare number under a name that no client looks for (seen)."""
    return b"e-tag", b"%d" % (zlib.crc32(body) & 0x3FFFFFFF)
