"""The page where people see which apps they have let in, and end it (Cerner's `my-authorizations`).

SMART App Launch 2.2.0, conformance: `management_endpoint`; std:SMART-CF-06.
"""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.simulator.smart_app import App
from tests.simulator.vendors.conftest import Registered


@pytest.fixture
def app(register: Registered) -> App:
    return register("cerner", persona="patient")


def page_of(app: App) -> str:
    url: str = app.discover()["management_endpoint"]
    return url


def visit(app: App, patient: int = 3, **form: Any) -> httpx.Response:
    told = {"username": app.login_name(patient), "password": "sandbox", **form}
    return app.http.post(page_of(app), data=told)


def sitting_of(page: httpx.Response) -> str:
    found = re.search(r'name="sitting" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def ends_of(page: httpx.Response) -> list[str]:
    """The grants that a page offers to end."""
    return re.findall(r'name="end" value="([^"]+)"', page.text)


def is_alive(app: App, told: dict[str, Any]) -> bool:
    return app.get(f"Patient/{told['patient']}", told["access_token"]).status_code == 200


def test_a_patient_sees_an_app_and_ends_its_access(app: App) -> None:
    told, other = app.tokens(3), app.tokens(4)
    assert app.http.get(page_of(app)).status_code == 200
    page = visit(app)
    assert app.client["name"] in page.text
    assert "Patient records" in page.text
    (grant,) = ends_of(page)
    after = app.http.post(page_of(app), data={"sitting": sitting_of(page), "end": grant})
    assert ends_of(after) == []
    assert not is_alive(app, told)
    assert app.refresh(told["refresh_token"]).json()["error"] == "invalid_grant"
    assert is_alive(app, other), "what others granted stays"


def test_nobody_ends_what_somebody_else_granted(app: App) -> None:
    told = app.tokens(3)
    (grant,) = ends_of(visit(app))
    app.tokens(4)
    other = visit(app, 4)
    assert grant not in ends_of(other)
    refused = app.http.post(page_of(app), data={"sitting": sitting_of(other), "end": grant})
    assert refused.status_code == 400
    assert is_alive(app, told)


@pytest.mark.parametrize("form", [{"password": "wrong"}, {"username": "nobody.here.99"}, {"username": ""}])
def test_a_wrong_login_shows_nothing(app: App, form: dict[str, str]) -> None:
    app.tokens(3)
    page = visit(app, **form)
    assert page.status_code == 400
    assert ends_of(page) == []


def test_a_visit_is_over_after_a_while_and_counts_at_its_own_door(app: App) -> None:
    told = app.tokens(3)
    page = visit(app)
    form = {"sitting": sitting_of(page), "end": ends_of(page)[0]}
    elsewhere = page_of(app).replace("/personas/patient/", "/personas/provider/")
    assert app.http.post(elsewhere, data=form).status_code == 400
    app.later(minutes=5)
    assert app.http.post(page_of(app), data={**form, "sitting": "guessed"}).status_code == 400
    app.later(minutes=11)
    assert app.http.post(page_of(app), data=form).status_code == 400
    assert not is_alive(app, told), "its token has ended meanwhile"
    assert app.refresh(told["refresh_token"]).status_code == 200, "its grant has not"


def test_each_persona_has_a_page_of_its_own(app: App, register: Registered) -> None:
    assert page_of(app).endswith("/personas/patient/my-authorizations")
    doctor = register("cerner")
    assert page_of(doctor).endswith("/personas/provider/my-authorizations")
    doctor.tokens(3)
    assert len(ends_of(visit(doctor))) == 1
    refused = app.http.post(page_of(doctor), data={"username": app.login_name(3), "password": "sandbox"})
    assert "This door is for practitioners." in refused.text


def test_the_statement_names_the_page(app: App) -> None:
    statement = app.http.get(f"{app.fhir_url}/metadata").json()
    uris = statement["rest"][0]["security"]["extension"][0]["extension"]
    assert {one["valueUri"] for one in uris if one["url"] == "manage"} == {page_of(app)}


def test_the_page_cannot_be_framed_and_is_not_kept(app: App) -> None:
    headers = app.http.get(page_of(app)).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers


def test_the_journal_keeps_no_password_and_no_visit(app: App) -> None:
    app.tokens(3)
    page = visit(app)
    app.http.post(page_of(app), data={"sitting": sitting_of(page), "end": ends_of(page)[0]})
    journal = app.control("GET", "/journal").text
    assert sitting_of(page) not in journal
    assert '"ended"' in journal
