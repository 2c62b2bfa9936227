"""Login defaults, and the header that carries them: in which practice a call of the proprietary API works.

`PUT /users/me/login-defaults` answers with `x-ng-sessionid`. It is no session: the same defaults give the same text,
it never ends, and whoever sends it works in that practice, whatever the account's own defaults are (nextgen-02).

Source: SOURCES.md, "The second key" (SDK, BITFOUNT, TRIALLY).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from simulator.exchange import Exchange, Reply
from simulator.refusal import Refusal
from simulator.vendors.nextgen import ids, practices
from simulator.vendors.nextgen.words import answer, link

if TYPE_CHECKING:
    from simulator.sandbox import Site

HEADER = "x-ng-sessionid"
_MEMBERS = ("enterpriseId", "practiceId", "locationId", "providerId", "timeZone")
_BY_SPELLING = {name.lower(): name for name in _MEMBERS}
_NOTHING: Mapping[str, str | None] = dict.fromkeys(_MEMBERS)
_STORE = "login_defaults"


def read(x: Exchange) -> Reply:
    """The defaults of the account that asks: those that it put last."""
    return answer(x, _told(x, _stored(x)))


def put(x: Exchange) -> Reply:
    """New defaults; what matters of the answer is its header.

    Raises:
        Refusal: malformed, when the body is no JSON object, or names a practice that is not there.
    """
    said = _said(x.body)
    practices.check(x.site, said["enterpriseId"], said["practiceId"])
    assert x.caller is not None
    x.site.memory.setdefault(_STORE, {})[x.caller.client_id] = said
    made = answer(x, _told(x, said))
    made.headers.append((HEADER.encode(), session_id(x.site, said).encode()))
    return made


def practice_of(x: Exchange) -> str:
    """The practice in which a call works: that of the header, else that of the account's defaults.

    Raises:
        Refusal: malformed, when there is neither, or the header is none that this site gave.
    """
    shown = x.header(HEADER)
    held = _stored(x) if shown is None else _read_id(x.site, shown)
    practice = held["practiceId"]
    if practice is None:
        raise Refusal("malformed", "no x-ng-sessionid and no login defaults", reason="no_session")
    x.notes["practice"] = practice
    return practice


def session_id(site: Site, said: Mapping[str, str | None]) -> str:
    """The text that carries these defaults at this site."""
    plain = orjson.dumps([said[name] for name in _MEMBERS])
    return base64.b64encode(_seal(site, plain) + plain).decode()


def _seal(site: Site, plain: bytes) -> bytes:
    return hashlib.blake2b(plain, key=site.key[:64], digest_size=12).digest()


def _read_id(site: Site, shown: str) -> Mapping[str, str | None]:
    try:
        raw = base64.b64decode(shown, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) <= 12 or raw[:12] != _seal(site, raw[12:]):
        raise Refusal("malformed", "x-ng-sessionid is none that this site gave", reason="session_unknown")
    return dict(zip(_MEMBERS, orjson.loads(raw[12:]), strict=True))


def _stored(x: Exchange) -> Mapping[str, str | None]:
    client_id = x.caller.client_id if x.caller is not None else ""
    found: Mapping[str, str | None] = x.site.memory.get(_STORE, {}).get(client_id, _NOTHING)
    return found


def _said(body: bytes) -> dict[str, str | None]:
    """The members of a request; the case of their names does not count (seen)."""
    try:
        given = orjson.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refusal("malformed", "the body is no JSON object", reason="body_malformed", parameter="loginDefaults")
    said = dict(_NOTHING)
    for name, value in given.items():
        member = _BY_SPELLING.get(str(name).lower())
        if member is not None and isinstance(value, str) and value:
            said[member] = value
    return said


def _told(x: Exchange, said: Mapping[str, str | None]) -> dict[str, Any]:
    """The defaults, with two ways of saying that there are none (seen)."""
    number = 14 + len(x.caller.client_id if x.caller is not None else "")
    location, provider = said["locationId"] or ids.NONE, said["providerId"] or ids.NONE
    return {
        "id": number,
        "enterpriseId": said["enterpriseId"],
        "practiceId": said["practiceId"],
        "locationId": location,
        "providerId": provider,
        "timeZone": said["timeZone"],
        "_links": [
            link("/users/{0}/login-defaults", number, "self"),
            link("/providers/{0}", provider, "provider"),
            link("/master/locations?$filter=Id eq guid'{0}'", location, "location"),
            link("/master/practices?$filter=Id eq '{0}'", said["practiceId"] or "", "practice"),
            link("/master/enterprises?$filter=Id eq '{0}'", said["enterpriseId"] or "", "enterprise"),
        ],
    }
