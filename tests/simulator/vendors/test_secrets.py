"""Secrets are nowhere in the clear: planted in every place that a request can carry them, and looked for everywhere.

Planted: headers of known and of other names, Basic in both halves, query, form, JSON, XML, multipart, bytes, path.
Looked for: the journal as JSON and as lines, the audit log, stderr after a crash, the recorded run and its report.
std:SEC-07, std:OAUTH-15.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from simulator.cli import run
from simulator.journal.entry import entry_of
from simulator.journal.redaction import body_text, fingerprint
from simulator.sandbox import Sandbox
from simulator.server import Running, running
from simulator.settings import Settings
from simulator.vendor import Vendor
from tests.simulator.tiny_room import tiny

UNKNOWN = "Zq7-nobody-gave-this-out-3f9"  # a secret of somebody else: known by the name it goes under


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


def secrets_of(sandbox: Sandbox, vendor: str, http: httpx.Client, door: str) -> list[str]:
    """Every secret that this site knows or has just given out."""
    site = sandbox.sites[vendor]
    found = [one.client_secret for one in site.clients.values()] + [one.api_key for one in site.clients.values()]
    client = next((one for one in site.clients.values() if one.auth == "client_secret_basic" and not one.is_app), None)
    if client is not None:
        form = {"grant_type": "client_credentials", "scope": "system/Patient.read"}
        answer = http.post(door, data=form, auth=(client.client_id, client.client_secret))
        found.append(answer.json()["access_token"])
    return [one for one in found if one]


def forms_of(secret: str) -> list[str]:
    """How a secret may stand somewhere: plain, quoted, and as base64 at each of the three places of a group."""
    raw = secret.encode()
    packed = [base64.b64encode(b"x" * pad + raw).decode()[4:-4] for pad in range(3)]
    return [secret, quote(secret, safe=""), *packed]


def assert_clean(text: str, secrets: list[str]) -> None:
    for secret in secrets:
        for form in forms_of(secret):
            assert form not in text, f"{secret[:6]}… stands in {text[max(0, text.index(form) - 80) :][:200]}"


def planted(http: httpx.Client, base: str, secret: str) -> None:
    """`secret` in every place of a request."""
    basic = [base64.b64encode(pair.encode()).decode() for pair in (f"x:{secret}", secret)]
    for headers in (
        {"authorization": f"Bearer {secret}"},
        {"authorization": f"Token {secret}"},
        {"authorization": secret},
        *({"authorization": f"Basic {one}"} for one in basic),
        {"proxy-authorization": f"Bearer {secret}"},
        {"x-api-key": secret},
        {"x-auth": secret},
        {"cookie": f"session={secret}"},
        {"referer": f"https://app.example/?code={secret}#access_token={secret}"},
        {"x-password": secret},
    ):
        http.get(f"{base}/fhir/Patient", headers=headers)
    for name in ("access_token", "apiKey", "api-key", "client_secret", "CLIENT_SECRET", "password", "code", "token"):
        http.get(f"{base}/oauth2/authorize", params={name: secret})
        http.post(f"{base}/oauth2/token", data={name: secret, "grant_type": "x"})
        http.post(
            f"{base}/oauth2/token", content=f"{name}={quote(secret, safe='')}", headers={"content-type": "text/plain"}
        )
    for name in ("access_token", "apiKey", "client_secret", "clientSecret", "password", "private_key_pem", "token"):
        http.post(f"{base}/fhir/Patient", json={"deep": [{name: secret}]})
        cut = json.dumps({name: secret})[:-3].encode()
        http.post(f"{base}/fhir/Patient", content=cut, headers={"content-type": "application/json"})
        http.post(
            f"{base}/fhir/Patient", content=f"<a><{name}>{secret}</{name}></a>", headers={"content-type": "text/xml"}
        )
        http.post(f"{base}/fhir/Patient", content=b"\xff" + json.dumps({name: secret}).encode())
        http.post(f"{base}/fhir/Patient", files={name: (None, secret)})


def planted_anywhere(http: httpx.Client, base: str, secret: str) -> None:
    """A secret that is known, in places whose names tell nothing."""
    http.get(f"{base}/fhir/Patient/{secret}")
    http.get(f"{base}/{secret}/x", params={"family": secret, secret: "1"})
    http.get(f"{base}/fhir/Patient", headers={"x-note": f"mine is {secret}.", "user-agent": f"app/{secret}"})
    http.post(f"{base}/oauth2/token", data={"client_id": secret, "grant_type": "client_credentials"})
    http.post(f"{base}/oauth2/token", data={"grant_type": "client_credentials"}, auth=(secret, secret))
    http.post(f"{base}/fhir/Patient", json={"note": f"the secret {secret} is here", secret: 1})
    http.post(f"{base}/fhir/Patient", content=b"\xff\xfe" + secret.encode())


@pytest.mark.parametrize("vendor", ["epic", "cerner", "athena"])
def test_no_secret_is_in_the_journal_or_the_audit_log(
    server: Running, sandbox: Sandbox, http: httpx.Client, capfd: pytest.CaptureFixture[str], vendor: str
) -> None:
    base = server.base_url(sandbox, vendor)
    urls = sandbox.sites[vendor].urls(base)
    secrets = secrets_of(sandbox, vendor, http, urls["token_url"])
    assert secrets
    root = base + {"epic": "/interconnect-fhir-oauth", "cerner": "", "athena": ""}[vendor]
    for secret in (secrets[0], secrets[-1], UNKNOWN):
        planted(http, root, secret)
        http.post(urls["token_url"], data={"client_secret": secret, "client_id": "a", "grant_type": "x"})
    for secret in (secrets[0], secrets[-1]):
        planted_anywhere(http, root, secret)
        http.get(f"{urls['fhir_url']}/Patient/{secret}", headers={"authorization": f"Bearer {secret}"})
    door = f"{server.control}/sandboxes/{sandbox.id}"
    told = http.get(f"{door}/journal").text
    lines = http.get(f"{door}/journal", headers={"accept": "application/x-ndjson"}).text
    whole = "".join(http.get(f"{door}/journal/{x.id}").text for x in sandbox.journal.entries)
    audited = http.get(f"{door}/audit").text
    assert len(lines.splitlines()) > 100
    for text in (told, lines, whole, audited, unpacked(lines), unpacked(audited), capfd.readouterr().err):
        assert_clean(text, [*secrets, UNKNOWN])


def unpacked(text: str) -> str:
    """What is shown as base64, as text."""
    packed = re.findall(r'"(?:base64:|query":")([A-Za-z0-9+/=]{8,})"', text)
    return "".join(base64.b64decode(one).decode("latin-1") for one in packed)


def test_a_secret_looks_the_same_wherever_it_stands(server: Running, sandbox: Sandbox, http: httpx.Client) -> None:
    """A judge must still see that the token of the path is the one of the header."""
    base = server.base_url(sandbox, "cerner")
    token = secrets_of(sandbox, "cerner", http, sandbox.sites["cerner"].urls(base)["token_url"])[-1]
    http.get(f"{base}/r4/x/Patient/{token}", headers={"authorization": f"Bearer {token}"})
    entry = entry_of(sandbox.journal.entries[-1])
    mark = fingerprint("access_token", token)
    assert entry["path"].endswith(f"/Patient/{mark}")
    assert dict(entry["request_headers"])["authorization"] == f"Bearer {mark}"


def test_a_crash_of_ours_tells_no_secret(http: httpx.Client, capfd: pytest.CaptureFixture[str]) -> None:
    def broken(x: Any) -> Any:
        raise RuntimeError(f"cannot cope with {x.header('authorization')} at {x.path}")

    room: Vendor = replace(tiny(), route=broken)
    with running(Settings(vendors=("tiny",), rooms=(room,), patients=10)) as up:
        http.get(f"{up.url}/tiny/fhir/{UNKNOWN}", headers={"authorization": f"Bearer {UNKNOWN}"})
        assert entry_of(up.sandboxes.default.journal.entries[-1])["status"] == 500
    said = capfd.readouterr().err
    assert "our own defect" in said
    assert fingerprint("access_token", UNKNOWN) in said
    assert UNKNOWN not in said


PLANTING = """
import base64, os, pathlib, json, urllib.error, urllib.parse, urllib.request
id, secret = os.environ["EMR_CERNER_CLIENT_ID"], os.environ["EMR_CERNER_CLIENT_SECRET"]
form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "system/Patient.read"}).encode()
pair = base64.b64encode(f"{id}:{secret}".encode()).decode()
ask = urllib.request.Request(os.environ["EMR_CERNER_TOKEN_URL"], form, {"Authorization": "Basic " + pair})
token = json.load(urllib.request.urlopen(ask))["access_token"]
for one in (token, secret):
    for headers in ({"Authorization": "Bearer " + one}, {"X-Note": one}):
        try:
            urllib.request.urlopen(urllib.request.Request(
                os.environ["EMR_CERNER_FHIR_URL"] + "/Patient/" + one + "?family=" + one, None, headers))
        except urllib.error.HTTPError:
            pass
pathlib.Path(__file__).with_name("secrets.json").write_text(json.dumps([secret, token]))
"""


def test_no_secret_is_in_a_recorded_run_or_its_report(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script, out = tmp_path / "it.py", tmp_path / "out"
    script.write_text(PLANTING, encoding="utf-8")
    words = ["wrap", "--vendor", "cerner", "--report", str(out), "--junit", str(out / "junit.xml")]
    assert run([*words, "--", sys.executable, str(script)]) in (0, 1)
    secrets = json.loads((tmp_path / "secrets.json").read_text())
    written = sorted(path for path in out.rglob("*") if path.is_file())
    assert {path.name for path in written} >= {"run.ndjson", "index.html", "junit.xml"}
    shown = capfd.readouterr()
    for text in (*(path.read_text("utf-8") for path in written), shown.out, shown.err):
        assert_clean(text, secrets)


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b'{"resourceType":"Observation","code":{"text":"a"},"status":"final"}', "application/fhir+json"),
        (b"<Patient><name><family value='Token'/></name></Patient>", "application/fhir+xml"),
        (b"family=Smith&code=1234-5", "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_no_secret_is_shown_as_it_came(body: bytes, media: str) -> None:
    assert body_text(body, media, searches=True) == body.decode()
