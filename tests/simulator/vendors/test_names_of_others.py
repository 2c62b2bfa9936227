"""Names of others: who holds a policy is told beside the coverage of another one, and by the name that they have now.

holder ── POST …/truth/changes {"what": "name"} ─▶ Coverage of whom the policy covers, in every room
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.vendors.caller import Caller

ROOMS = ("epic", "cerner", "athena")


def covered(caller: Caller) -> tuple[int, int]:
    """A patient who is on the policy of another one, and that one."""
    world = caller.sandbox.world
    for number in range(caller.sandbox.patients):
        for one in world.chart(number).coverages:
            if one.holder is not None and one.status == "active" and world.person(one.holder) is not None:
                return number, one.holder
    raise AssertionError("nobody is on the policy of another one")


def told(caller: Caller, vendor: str, number: int) -> str:
    """What a room tells of a patient's insurances."""
    if vendor == "athena":
        site = caller.site(vendor)
        patientid = site.vendor.patient_ids(site, number)["patientid"]
        answer = caller.read(vendor, f"patients/{patientid}/insurances", base="rest_url")
    else:
        answer = caller.read(vendor, "Coverage", patient=caller.patient(vendor, number))
    assert answer.status_code == 200, answer.text
    return answer.text.lower()


def change(caller: Caller, **wish: Any) -> None:
    url = f"{caller.server.control}/sandboxes/{caller.sandbox.id}/truth/changes"
    answer = caller.http.post(url, json=wish)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("vendor", ROOMS)
def test_who_holds_a_policy_is_told_by_the_present_name(caller: Caller, vendor: str) -> None:
    number, holder = covered(caller)
    person = caller.sandbox.world.person(holder)
    assert person is not None
    assert person.given[0].lower() in told(caller, vendor, number)
    change(caller, what="name", patient=str(holder), family="Quillfeather", given=["Zebulon"])
    after = told(caller, vendor, number)
    assert "zebulon" in after
    assert "quillfeather" in after


@pytest.mark.parametrize("vendor", ROOMS)
def test_a_holder_who_was_merged_is_told_by_the_survivors_name(caller: Caller, vendor: str) -> None:
    number, holder = covered(caller)
    told(caller, vendor, number)
    other = next(one for one in range(caller.sandbox.patients) if one not in (number, holder))
    change(caller, what="name", patient=str(other), family="Quillfeather", given=["Zebulon"])
    change(caller, what="merge", patient=str(holder), into=str(other))
    assert "zebulon" in told(caller, vendor, number)
    change(caller, what="name", patient=str(other), family="Quillfeather", given=["Ottoline"])
    after = told(caller, vendor, number)
    assert "ottoline" in after
    assert "zebulon" not in after


def test_a_relative_is_told_by_the_present_name(caller: Caller) -> None:
    number, holder = covered(caller)

    def relatives() -> str:
        return caller.read("epic", "Patient/" + caller.patient("epic", number)).text + "".join(
            caller.read("epic", one["reference"]).text
            for entry in caller.read("epic", "Coverage", patient=caller.patient("epic", number)).json()["entry"]
            for one in (entry["resource"].get("policyHolder") or {},)
            if one.get("reference", "").startswith("RelatedPerson")
        )

    before = relatives()
    assert '"RelatedPerson"' in before
    change(caller, what="name", patient=str(holder), family="Quillfeather", given=["Zebulon"])
    assert "Zebulon" in relatives()
