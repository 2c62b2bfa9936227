"""The browser of somebody who logs in to the integration, from inside the EHR: where it leads, and how it comes back.

It goes where the integration says, as far as that is the vendor's page, and never to the integration's own redirect
URI: what stands in that goes back by the driver. `WAYS` names what may happen on the way.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx

from simulator.auth import users
from simulator.sandbox import Site

AGENT = "Mozilla/5.0 (emr-sandbox judge)"
STRANGER = "https://ehr.stranger.invalid/fhir/r4"
_TIMEOUT_S = 10.0

WAYS: Mapping[str, str] = {
    "honest": "comes back with what the vendor gave",
    "leaves": "never comes back",
    "forges": "comes back with a state that nobody was sent away with",
    "drops": "comes back without a state",
    "names_another": "comes back with the name of another server (`iss`, RFC 9207)",
    "replays": "opens an old way back once more",
    "strays": "is sent by a server that the integration is not registered with",
}
LEADS_IN = ("honest",)
COMES_BACK = ("honest", "forges", "drops", "names_another")


class Browser:
    """One person at one vendor, a practitioner who has a patient's chart open."""

    def __init__(self, site: Site, urls: Mapping[str, str], ca_file: Path | None) -> None:
        self._site = site
        self._urls = urls
        self._ca_file = ca_file
        self._last = ""

    def asked(self, way: str, client_id: str, patient: int) -> dict[str, Any] | None:
        """What the driver is asked first: who opens the app, and the launch. None where nobody opens it."""
        if way == "replays":
            return None
        user = users.staff(self._site.sandbox.world)[0]
        launch = self._site.desk.launches.open(client_id, user, now=self._site.sandbox.clock.now(), patient=patient)
        return {"iss": STRANGER if way == "strays" else self._urls["fhir_url"], "launch": launch.text}

    def returned(self, way: str, authorize_url: str) -> str:
        """The address that the browser comes back to the integration with; empty when it does not."""
        if way == "replays":
            return self._last
        if way not in COMES_BACK and way != "leaves":
            return ""
        found = self._visited(authorize_url)
        if not found or way == "leaves":
            return ""
        if way == "honest":
            self._last = found
        return _bent(way, found)

    def _visited(self, url: str) -> str:
        """Where the vendor's page leads; empty when `url` is not the vendor's page, or it leads nowhere."""
        if url.partition("?")[0] != self._urls.get("authorize_url"):
            return ""
        trust = ssl.create_default_context(cafile=str(self._ca_file)) if self._ca_file is not None else False
        try:
            with httpx.Client(verify=trust, trust_env=False, timeout=_TIMEOUT_S, headers={"user-agent": AGENT}) as http:
                answer = http.get(url)
        except (httpx.HTTPError, httpx.InvalidURL):
            return ""
        return str(answer.headers.get("location", ""))


def _bent(way: str, url: str) -> str:
    parts = urlsplit(url)
    told = dict(parse_qsl(parts.query, keep_blank_values=True))
    if way == "forges":
        told["state"] = "".join(reversed(told.get("state", ""))) + "x"
    if way == "drops":
        told.pop("state", None)
    if way == "names_another":
        told["iss"] = STRANGER
    return urlunsplit(parts._replace(query=urlencode(told)))
