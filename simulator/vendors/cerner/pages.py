"""Paging: `-pageContext` in the spelling of each type, opaque to callers, and the session behind it."""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from simulator.fhir.paging import Page
from simulator.refusal import Refusal
from simulator.sandbox import Site

LIFETIME = timedelta(hours=1)  # guess: nobody recorded how long a page context lives
_OPEN_PLATFORM = "OpenPlatformFhirContext=true&pageContext={}&concept={}"
_CONCEPTS = {"MedicationRequest": "charted", "Organization": "organization"}
_PACKED = frozenset({"Observation", "DocumentReference", "DiagnosticReport"})
BARE = frozenset({"Appointment", "Slot"})
"""Types whose next link carries the page context alone: it drops all other parameters."""


def open_page(site: Site, type: str, ids: tuple[str, ...], facts: Mapping[str, Any], now: datetime) -> str:
    """A session for the rest of a search; gives the value of `-pageContext`, percent-encoded for the link."""
    session = site.pages.open(ids, now=now, lifetime=LIFETIME, facts={"type": type, **facts})
    return quote(_spelled(type, session), safe="")


def read_page(site: Site, type: str, context: str, now: datetime) -> Page:
    """The session of a `-pageContext`.

    Raises:
        Refusal: gone, when it is unknown, of another type, or too old.
    """
    session = _session_of(type, context)
    page = site.pages.read(session, now)
    if page.facts["type"] != type:
        raise Refusal("gone", f"a page context of {page.facts['type']}", reason="page_of_another")
    return page


def _spelled(type: str, session: str) -> str:
    told = f"v=2;type={type};session={session};direction=forward;origin=charted".encode()
    if type in _PACKED:
        return base64.urlsafe_b64encode(zlib.compress(told, 9)).decode()
    if type == "Appointment":
        return base64.b64encode(gzip.compress(told, 9, mtime=0)).decode()
    if type in _CONCEPTS:
        return base64.b64encode(_OPEN_PLATFORM.format(f"{session}_1_1", _CONCEPTS[type]).encode()).decode()
    return str(UUID(hex=session))


def _session_of(type: str, context: str) -> str:
    try:
        if type in _PACKED:
            return _packed_session(zlib.decompressobj(), base64.urlsafe_b64decode(context))
        if type == "Appointment":
            return _packed_session(zlib.decompressobj(zlib.MAX_WBITS | 16), base64.b64decode(context, validate=True))
        if type in _CONCEPTS:
            told = base64.b64decode(context, validate=True).decode()
            return told.partition("pageContext=")[2].partition("_")[0]
        return UUID(context).hex
    except (ValueError, binascii.Error, zlib.error):
        raise Refusal("gone", f"no page context: {context[:60]}", reason="page_unknown") from None


def _packed_session(unpacker: Any, packed: bytes) -> str:
    told: str = unpacker.decompress(packed, 1000).decode()
    return told.partition("session=")[2].partition(";")[0]
