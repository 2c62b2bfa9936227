"""The algebra of SMART scopes: std:SMART-SC-01, -02, -03, -05, std:SMART-BS-10."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.auth import scopes

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
VITALS = f"patient/Observation.rs?category={CATEGORY}|vital-signs"
LABS = f"patient/Observation.rs?category={CATEGORY}|laboratory"

TYPES = st.sampled_from(["Patient", "Observation", "Condition", "*"])
LETTERS = st.sets(st.sampled_from("cruds"), min_size=1).map(lambda chosen: "".join(a for a in "cruds" if a in chosen))
CONTEXTS = st.sampled_from(["patient", "user", "system"])
SCOPES = st.lists(st.builds("{}/{}.{}".format, CONTEXTS, TYPES, LETTERS | st.sampled_from(["read", "write", "*"])))
ASKED = st.tuples(TYPES.filter(lambda kind: kind != "*"), st.sampled_from("cruds"))

MEANINGS = [
    ("system/Patient.read", "Patient", "rs"),
    ("system/Patient.write", "Patient", "cud"),
    ("system/Patient.*", "Patient", "cruds"),
    ("system/*.read", "Observation", "rs"),
    ("system/Patient.r", "Patient", "r"),
    ("system/Patient.cud", "Patient", "cud"),
    ("system/*.cruds", "Condition", "cruds"),
    (VITALS, "Observation", "rs"),
    ("system/Patient.read", "Observation", ""),
    ("system/Patient.rs", "patient", ""),
]


@pytest.mark.parametrize(("text", "kind", "letters"), MEANINGS)
def test_a_scope_allows_exactly_its_letters(text, kind, letters):
    allows = scopes.compile([text])
    assert "".join(action for action in scopes.ACTIONS if allows(kind, action)) == letters


NO_SCOPES = [
    "", "openid", "launch/patient", "offline_access", "athena/service/Athenanet.MDP.*", "system/Patient",
    "system/Patient.", "system/Patient.dr", "system/Patient.rr", "system/Patient.x", "System/Patient.read",
    "system/Patient.Read", "system/Patient.read?category=x", "system/Pat ient.read", " system/Patient.read",
    "system/Patient.rs?", "all/Patient.rs",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_SCOPES)
def test_what_is_no_resource_scope_allows_nothing(text):
    assert scopes.parse(text) is None
    assert not any(scopes.compile([text])("Patient", action) for action in scopes.ACTIONS)


def test_capitals_count_unless_the_vendor_does_not_mind():
    mixed = ["System/Patient.Read", "system/OBSERVATION.RS"]
    assert not scopes.compile(mixed)("Patient", "r")
    relaxed = scopes.compile(mixed, any_case=True)
    assert relaxed("Patient", "s")
    assert relaxed("Observation", "r")
    assert not relaxed("Patient", "c")


def test_only_scopes_of_the_contexts_asked_for_count():
    allows = scopes.compile(["patient/Patient.read", "user/Condition.read"], contexts=("system", "user"))
    assert allows("Condition", "r")
    assert not allows("Patient", "r")


@given(SCOPES, SCOPES, ASKED)
def test_together_scopes_allow_what_one_of_them_allows(left, right, asked):
    both = scopes.compile(left + right)(*asked)
    assert both == (scopes.compile(left)(*asked) or scopes.compile(right)(*asked))


@given(SCOPES, ASKED)
def test_order_and_repetition_of_scopes_do_not_matter(given_scopes, asked):
    assert scopes.compile(given_scopes)(*asked) == scopes.compile(list(reversed(given_scopes)) * 2)(*asked)


@given(SCOPES, SCOPES, ASKED)
def test_what_is_granted_was_asked_for_and_is_covered_by_the_registration(asked_scopes, registered, asked):
    granted = scopes.grant(asked_scopes, registered)
    assert set(granted) <= set(asked_scopes)
    if scopes.compile(granted)(*asked):
        assert scopes.compile(registered)(*asked)


@given(SCOPES, SCOPES)
def test_granting_twice_changes_nothing_and_own_scopes_are_granted_whole(asked_scopes, registered):
    granted = scopes.grant(asked_scopes, registered)
    assert scopes.grant(granted, registered) == granted
    assert set(scopes.grant(registered, registered)) == set(registered)


GRANTS = [
    (["system/Patient.r"], ["system/Patient.read"], ["system/Patient.r"]),
    (["system/Patient.rs", "system/Patient.cud"], ["system/Patient.read"], ["system/Patient.rs"]),
    (["system/*.read"], ["system/Patient.read"], []),
    (["system/Patient.read"], ["system/*.rs"], ["system/Patient.read"]),
    (["patient/Patient.read"], ["system/*.rs"], []),
    (["openid", "openid", "x"], ["openid"], ["openid"]),
    ([VITALS], ["patient/Observation.rs"], [VITALS]),
    (["patient/Observation.rs"], [VITALS], []),
    ([LABS], [VITALS], []),
]


@pytest.mark.parametrize(("asked", "registered", "granted"), GRANTS)
def test_scopes_are_granted_as_far_as_the_registration_covers_them(asked, registered, granted):
    assert list(scopes.grant(asked, registered)) == granted


def test_grants_may_ignore_capitals():
    assert scopes.grant(["system/Patient.Read"], ["system/Patient.read"], any_case=True) == ("system/Patient.Read",)


def test_a_granular_scope_keeps_its_filter():
    assert scopes.granular([VITALS, LABS], "Observation") == [
        (("category", f"{CATEGORY}|vital-signs"),), (("category", f"{CATEGORY}|laboratory"),),
    ]  # fmt: skip
    assert scopes.granular([VITALS], "Condition") == []


def test_all_filters_of_one_scope_belong_together():
    found = scopes.granular(["system/Observation.rs?category=a|b&code=c"], "Observation")
    assert found == [(("category", "a|b"), ("code", "c"))]


def test_one_scope_without_filter_opens_the_whole_type():
    assert scopes.granular([VITALS, "patient/Observation.rs"], "Observation") == []
    assert scopes.granular([VITALS, "patient/*.rs"], "Observation") == []


def test_filters_are_those_of_the_action_asked_for():
    mixed = [VITALS, "patient/Observation.c"]
    assert len(scopes.granular(mixed, "Observation", "r")) == 1
    assert scopes.granular(mixed, "Observation", "c") == []
