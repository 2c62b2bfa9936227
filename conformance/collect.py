"""Collects evidence of one case: the journal as data, canaries, logs. What is kept is small and holds no secret."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conformance.evidence import Exchange
from conformance.leaks import Canary
from simulator.auth.assertion import peek
from simulator.exchange import Exchange as Seen
from simulator.journal.entry import entry_of
from simulator.journal.redaction import redacted_pairs
from simulator.sandbox import Sandbox, Site

_BODY_KEPT = 1500
_FORM_KEPT = 32_768  # a login for many scopes is long, and its last member may be the proof
_NEXT_IN_XML = re.compile(rb'<relation value="next"\s*/>\s*<url value="([^"]*)"')
_SETTLE_S = 0.3
_BIRTH_FORMS = ("%Y-%m-%d", "%m/%d/%Y", "%Y%m%d")


def exchanges_of(sandbox: Sandbox, case: str, began: float) -> tuple[Exchange, ...]:
    """The journal of `sandbox` as evidence; `began` is the monotonic second 0 of the case."""
    _let_settle(sandbox)
    epoch = datetime.now(UTC) - timedelta(seconds=time.monotonic() - began)
    return tuple(Exchange(case, x.vendor.id, _entry(x, began), epoch) for x in sandbox.journal.entries)


def _let_settle(sandbox: Sandbox) -> None:
    """Waits until the last answer has left: its last byte is noted after the integration may have read it."""
    until = time.monotonic() + _SETTLE_S
    while time.monotonic() < until and any(x.bytes_sent < 0 and x.ended for x in sandbox.journal.entries[-4:]):
        time.sleep(0.005)


def _entry(x: Seen, began: float) -> dict[str, Any]:
    is_login = x.method == "POST" and x.path.endswith("/token")
    entry = entry_of(x, body_limit=_FORM_KEPT if is_login else _BODY_KEPT)
    entry["t_s"] = round(x.started - began, 6)
    entry["assertion"] = _assertion(x)
    entry["next"] = list(_next_targets(x))
    entry["outcomes"] = _outcomes(x)
    return entry


def _assertion(x: Seen) -> dict[str, Any] | None:
    """Header and claims of the client assertion that a token request carries."""
    if b"client_assertion=" not in x.body:
        return None
    try:
        text = next((value for name, value in x.form() if name == "client_assertion"), "")
    except UnicodeDecodeError:
        return {"header": {}, "claims": {}}
    header, claims = peek(text) or ({}, {})
    return {"header": header, "claims": claims}


def _next_targets(x: Seen) -> Iterator[str]:
    """Where the answer says the next page is, as path and query below the server's root, secrets as in the journal."""
    reply = x.reply
    if reply is None or reply.status >= 300 or not x.complete:
        return
    for link in _next_links(reply.body):
        parts = urlsplit(link)
        path = parts.path
        if not parts.netloc:
            base = urlsplit(x.base_url).path
            path = path if path.startswith(base + "/") else base + ("" if path.startswith("/") else "/") + path
        yield path + ("?" + redacted_pairs(parts.query) if parts.query else "")


def _next_links(body: bytes) -> Iterator[str]:
    if body[:1] == b"<":
        yield from (unescape(found.decode()) for found in _NEXT_IN_XML.findall(body))
        return
    if b'"next"' not in body:
        return
    value = _parsed(body)
    if not isinstance(value, dict):
        return
    if value.get("resourceType") == "Bundle":
        yield from (link["url"] for link in value.get("link", ()) if link.get("relation") == "next")
    elif isinstance(value.get("next"), str):
        yield value["next"]


def _outcomes(x: Seen) -> int:
    """How many OperationOutcome entries the answer holds beside its matches."""
    body = x.reply.body if x.reply is not None else b""
    if b"OperationOutcome" not in body:
        return 0
    value = _parsed(body)
    entries = value.get("entry", ()) if isinstance(value, dict) else ()
    return sum(1 for entry in entries if (entry.get("resource") or {}).get("resourceType") == "OperationOutcome")


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def canaries_of(site: Site, numbers: Iterable[int], client: Mapping[str, Any]) -> list[Canary]:
    """What must not be seen in the integration's logs after this case."""
    return [*_patients(site, numbers), *_secrets(site, client)]


def _patients(site: Site, numbers: Iterable[int]) -> Iterator[Canary]:
    for number in numbers:
        person = site.sandbox.world.person(number)
        if person is None:
            continue
        births = tuple(person.birth_date.strftime(form) for form in _BIRTH_FORMS)
        yield Canary("patient name", person.family, "patient", beside=(*person.given, *births))
        for telecom in person.telecoms:
            yield Canary(f"patient {telecom.system}", telecom.value, "patient")
            if telecom.system == "phone":
                ten = telecom.value[-10:]
                for form in (ten, f"({ten[:3]}) {ten[3:6]}-{ten[6:]}", f"{ten[:3]}-{ten[3:6]}-{ten[6:]}"):
                    yield Canary("patient phone", form, "patient")
        if person.ssn:
            yield Canary("patient SSN", person.ssn, "patient")
            yield Canary("patient SSN", person.ssn.replace("-", ""), "patient")
        ids = site.vendor.patient_ids(site, number)
        if "mrn" in ids:
            yield Canary("patient MRN", ids["mrn"], "patient")


def _secrets(site: Site, client: Mapping[str, Any]) -> Iterator[Canary]:
    if client.get("client_secret"):
        yield Canary("client secret", client["client_secret"], "secret")
    if client.get("api_key"):
        yield Canary("API key", client["api_key"], "secret")
    for line in str(client.get("private_key_pem") or "").splitlines()[2:5]:
        yield Canary("private key", line.strip(), "secret")
    for x in site.sandbox.journal.entries:
        if x.reply is not None and b"access_token" in x.reply.body:
            value = _parsed(x.reply.body)
            for name in ("access_token", "refresh_token", "id_token"):
                if isinstance(value, dict) and value.get(name):
                    yield Canary(name.replace("_", " "), str(value[name]), "secret")
        if b"client_assertion=" in x.body:
            for name, text in x.form():
                if name == "client_assertion":
                    yield Canary("client assertion", text, "secret")


class LogFiles:
    """The declared log files of an integration: what is written to them while a run goes on."""

    def __init__(self, folder: Path, patterns: Sequence[str]) -> None:
        self._folder = folder
        self._patterns = patterns
        self._read: dict[Path, int] = {path: path.stat().st_size for path in self._paths()}

    def _paths(self) -> list[Path]:
        return sorted(path for pattern in self._patterns for path in self._folder.glob(pattern) if path.is_file())

    def drain(self) -> list[str]:
        """The lines written since the last call."""
        lines: list[str] = []
        for path in self._paths():
            with path.open("rb") as stream:
                stream.seek(self._read.get(path, 0))
                new = stream.read()
            self._read[path] = self._read.get(path, 0) + len(new)
            lines += new.decode("utf-8", "replace").splitlines()
        return lines
