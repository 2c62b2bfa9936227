"""The selector language: fields, globs, algebra, JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.exchange import Caller, Exchange, Reply
from simulator.refusal import UsageError
from simulator.selector import Selector

Make = Callable[..., Exchange]


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("/Observation*", "/r4/t/Observation", True),
        ("/Observation*", "/r4/t/Observation/12", True),
        ("/Observation", "/r4/t/Observation/12", False),
        ("/r4/*/Observation*", "/r4/t/Observation", True),
        ("/r4/*", "/api/r4/x", True),
        ("Observation*", "/r4/t/Observation", False),
        ("*", "/anything/at/all", True),
        ("/Observation*", "/r4/MyObservation", False),
        ("/[PO]*", "/r4/t/Patient", True),
    ],
)
def test_a_path_glob_fits_the_path_or_a_tail_of_it(exchange: Make, glob: str, path: str, fits: bool) -> None:
    assert Selector(path=glob)(exchange(path)) is fits


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ({}, True),
        ({"vendor": "tiny"}, True),
        ({"vendor": ["twin", "tiny"]}, True),
        ({"vendor": "twin"}, False),
        ({"method": "POST"}, False),
        ({"query": "*count=5*"}, True),
        ({"operation": "Patient.*"}, True),
        ({"operation": "*.read"}, False),
        ({"status": 429}, True),
        ({"status": ["5xx", 429]}, True),
        ({"status": "4xx"}, True),
        ({"status": "2xx"}, False),
        ({"page": 2}, True),
        ({"page": 1}, False),
        ({"client": "a"}, True),
        ({"sandbox": "default", "vendor": "tiny", "status": 200}, False),
    ],
)
def test_every_field_of_a_selector_must_fit(exchange: Make, fields: dict[str, Any], fits: bool) -> None:
    x = exchange("/fhir/Patient", query="_count=5")
    x.reply = Reply(429)
    x.notes["page"] = 2
    x.caller = Caller("a")
    assert Selector(**fields)(x) is fits


def test_a_head_request_is_known_by_its_own_method(exchange: Make) -> None:
    x = exchange()
    x.notes["method"] = "HEAD"
    assert Selector(method="HEAD")(x)
    assert not Selector(method="GET")(x)


def test_the_client_is_known_before_anybody_is_admitted(
    exchange: Make, login: Callable[..., dict[str, str]], tiny_app: Any
) -> None:
    home = tiny_app.sandboxes.default
    client = next(iter(home.sites["tiny"].clients))
    assert Selector(client=client)(exchange(headers=login(home)))
    assert not Selector(client=client)(exchange(headers={"authorization": "Bearer nobodys"}))
    assert Selector(client="u")(exchange("/token", headers={"authorization": "Basic dTpz"}))
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert Selector(client="u")(exchange("/token", body=b"grant_type=x&client_id=u", headers=form))
    assert not Selector(client="u")(exchange("/token", body=b"\xff", headers=form))


forms = st.recursive(
    st.dictionaries(st.sampled_from(["vendor", "method", "path"]), st.sampled_from(["tiny", "GET", "/fhir*"])),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
    ),
    max_leaves=6,
)


@given(form=forms)
def test_a_selector_survives_json_and_repr(form: dict[str, Any], exchange: Make) -> None:
    made = Selector.from_json(form)
    x = exchange()
    assert Selector.from_json(made.to_json())(x) == made(x) == eval(repr(made))(x)
    assert (~made)(x) == (not made(x)) == (not (made & made)(x)) == (not (made | made)(x))


@given(one=forms, other=forms)
def test_selectors_obey_de_morgan(one: dict[str, Any], other: dict[str, Any], exchange: Make) -> None:
    x, left, right = exchange(), Selector.from_json(one), Selector.from_json(other)
    assert (~(left & right))(x) == (~left | ~right)(x)
    assert (~(left | right))(x) == (~left & ~right)(x)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"vendr": "epic"}, "does not know `vendr`"),
        ({"vendor": 3}, "`vendor` of a selector is text"),
        ({"vendor": []}, "`vendor` of a selector is text"),
        ({"path": ["/a"]}, "`path` of a selector is a glob"),
        ({"status": "often"}, "a status such as 429"),
        ({"status": True}, "a status such as 429"),
        ({"page": 0}, "a page number from 1"),
        ({"any": {}}, "`any` of a selector is a list"),
        ({"all": []}, "`all` of a selector is a list"),
        ({"not": 3}, "a selector is an object: 3"),
        ("/Patient", "a selector is an object"),
    ],
)
def test_what_is_no_selector_is_said_in_one_line(form: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        Selector.from_json(form)
    assert "\n" not in caught.value.message
