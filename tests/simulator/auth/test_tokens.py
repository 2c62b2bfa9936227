"""Access tokens and the memory of used assertion ids: std:SMART-TK-09, std:OAUTH-07, std:SMART-BS-04."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.auth.replay import ReplayGuard
from simulator.auth.tokens import TokenStore
from simulator.refusal import Refusal

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def issue(store, **changes):
    given = {"now": NOW, "lifetime": HOUR, "allows": lambda resource_type, action: True} | changes
    return store.issue("c-1", ("system/*.rs",), **given)


def reason_of(store, text, now=NOW) -> str:
    with pytest.raises(Refusal) as caught:
        store.find(text, now)
    assert caught.value.kind == "unauthenticated"
    return caught.value.reason


def test_an_issued_token_is_found_by_its_text():
    store = TokenStore(b"s")
    token = issue(store, patient=7, facts={"user": "u1"})
    assert store.find(token.text, NOW) is token
    assert (token.client_id, token.patient, token.facts["user"]) == ("c-1", 7, "u1")


def test_a_token_dies_on_the_second():
    store = TokenStore(b"s")
    token = issue(store)
    assert store.find(token.text, NOW + HOUR - timedelta(microseconds=1))
    assert reason_of(store, token.text, NOW + HOUR) == "token_expired"


def test_an_invented_token_is_unknown():
    store = TokenStore(b"s")
    issue(store)
    assert reason_of(store, "invented") == "token_unknown"


def test_a_token_of_one_sandbox_is_unknown_in_another():
    assert reason_of(TokenStore(b"other"), issue(TokenStore(b"s")).text) == "token_unknown"


def test_the_same_secret_gives_the_same_tokens_and_they_all_differ():
    first, second = TokenStore(b"s"), TokenStore(b"s")
    texts = [issue(first).text for _ in range(50)]
    assert texts == [issue(second).text for _ in range(50)]
    assert len(set(texts)) == 50


def test_the_text_of_a_token_shows_nowhere_in_its_repr():
    token = issue(TokenStore(b"s"))
    assert token.text not in repr(token)


def test_a_room_may_write_the_text_itself_but_never_twice():
    store = TokenStore(b"s")
    assert store.find(issue(store, text="a.b.c").text, NOW).id == "t1"
    with pytest.raises(ValueError, match="already issued"):
        issue(store, text="a.b.c")


def test_a_revoked_token_is_revoked_not_unknown():
    store = TokenStore(b"s")
    one, other = issue(store), issue(store)
    store.revoke(one.id)
    store.revoke("t99")
    assert reason_of(store, one.text) == "token_revoked"
    assert store.find(other.text, NOW) is other


def test_revoking_all_spares_only_what_is_issued_later():
    store = TokenStore(b"s")
    old = [issue(store) for _ in range(3)]
    store.revoke_all()
    new = issue(store)
    assert {reason_of(store, token.text) for token in old} == {"token_revoked"}
    assert store.find(new.text, NOW) is new


def test_a_full_store_forgets_the_oldest():
    store = TokenStore(b"s", capacity=3)
    tokens = [issue(store) for _ in range(5)]
    store.revoke(tokens[2].id)
    assert len(store) == 3
    assert [reason_of(store, token.text) for token in tokens[:3]] == ["token_unknown", "token_unknown", "token_revoked"]
    assert store.find(tokens[4].text, NOW)


def test_the_number_of_the_next_token_is_known_before():
    store = TokenStore(b"s")
    number = store.next_number()
    assert issue(store, text=f"jwt-{number}").id == f"t{number}"


def test_an_id_is_seen_until_its_assertion_ends():
    guard = ReplayGuard()
    assert not guard.seen("c", "j", NOW + HOUR, NOW)
    assert guard.seen("c", "j", NOW + HOUR, NOW + HOUR)
    assert not guard.seen("c", "j", NOW + 2 * HOUR, NOW + HOUR + timedelta(seconds=1))


def test_ids_belong_to_their_client():
    guard = ReplayGuard()
    assert not guard.seen("c", "j", NOW + HOUR, NOW)
    assert not guard.seen("d", "j", NOW + HOUR, NOW)


def test_a_full_guard_forgets_what_would_end_first():
    guard = ReplayGuard(capacity=2)
    for n in (3, 1, 2):
        assert not guard.seen("c", str(n), NOW + n * HOUR, NOW)
    assert len(guard) == 2
    assert guard.seen("c", "3", NOW, NOW)
    assert guard.seen("c", "2", NOW, NOW)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 10), st.integers(0, 4)), max_size=60))
def test_the_guard_agrees_with_a_plain_list_of_everything(steps):
    guard, at, history = ReplayGuard(), NOW, []
    for jti, life, wait in steps:
        at += timedelta(seconds=wait)
        known = any(name == jti and at <= until for name, until in history)
        assert guard.seen("c", str(jti), at + timedelta(seconds=life), at) is known
        if not known:
            history.append((jti, at + timedelta(seconds=life)))
    assert len(guard) <= 6
