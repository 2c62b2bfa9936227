"""`emr-sandbox url` and `token`: a person with curl finds the doors of a running server and gets in."""

from __future__ import annotations

import httpx
import pytest

from simulator import cli
from simulator.server import Running


def printed(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = cli.run(argv)
    captured = capsys.readouterr()
    return code, captured.out.strip(), captured.err.strip()


@pytest.mark.parametrize("vendor", ["epic", "cerner", "athena"])
def test_a_token_opens_the_door_that_the_url_names(
    vendor: str, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    code, token, _ = printed(capsys, "token", "--vendor", vendor, "--server", server.url)
    assert code == 0
    code, fhir_url, _ = printed(capsys, "url", "fhir_url", "--vendor", vendor, "--server", server.url)
    assert code == 0
    site = server.sandboxes.default.sites[vendor]
    patient = site.vendor.patient_ids(site, 3)["fhir_id"]
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
    answer = httpx.get(f"{fhir_url}/Patient/{patient}", headers=headers)
    assert (answer.status_code, answer.json()["id"]) == (200, patient)


def test_a_named_client_signs_in_and_an_unknown_one_is_refused(
    server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed(capsys, "token", "--vendor", "epic", "--client", "demographics", "--server", server.url)[0] == 0
    code, _, said = printed(capsys, "token", "--vendor", "epic", "--client", "nobody", "--server", server.url)
    assert code == 4
    assert said.startswith('epic has no client "nobody"; known: backend, demographics, ')


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("url", "--vendor", "epik"), 'unknown vendor "epik"; known: '),
        (("url", "door", "--vendor", "epic"), 'epic has no "door"; known: base_url'),
        (("url", "--vendor", "epic", "--sandbox", "none"), 'unknown sandbox "none"'),
        (("token", "--vendor", "athena", "--client", "api-key"), "signs in without a token: api_key"),
    ],
)
def test_what_is_not_there_is_one_line_with_what_is(
    argv: tuple[str, ...], says: str, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, said = printed(capsys, *argv, "--server", server.url)
    assert (code, out) == (4, "")
    assert says in said


def test_no_server_is_one_line_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, said = printed(capsys, "token", "--vendor", "epic", "--server", "http://127.0.0.1:9")
    assert code == 4
    assert said.startswith("nobody answers at http://127.0.0.1:9: ")
    assert said.endswith("hint: start one with `emr-sandbox serve`")
