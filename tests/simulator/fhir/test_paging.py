"""Page sessions and the byte cache: paging ends and covers; both are bounded (std:FHIR-S-04, -05)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.fhir import paging
from simulator.fhir.cache import ByteCache
from simulator.fhir.paging import PageStore
from simulator.refusal import Refusal

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LIFE = timedelta(minutes=10)


def reason_of(store, page_id, now=NOW, token_id=None) -> str:
    with pytest.raises(Refusal) as caught:
        store.read(page_id, now, token_id)
    assert caught.value.kind == "gone"
    return caught.value.reason


def pages_of(items, size):
    """Every page as a client sees it that follows the next links of a session store."""
    store, start = PageStore(b"s"), 0
    page, start = paging.cut(items, start, size)
    yield page
    while start is not None:
        page_id = store.open(items, now=NOW, lifetime=LIFE, facts={"start": start})
        session = store.read(page_id, NOW)
        page, start = paging.cut(session.items, session.facts["start"], size)
        yield page


@given(st.lists(st.integers(), max_size=60), st.integers(1, 70))
def test_paging_ends_and_covers_everything_once_in_order(items, size):
    pages = list(pages_of(items, size))
    assert [item for page in pages for item in page] == items
    assert len(pages) == max(1, -(-len(items) // size))
    assert all(len(page) == size for page in pages[:-1])


@pytest.mark.parametrize(("start", "size"), [(0, 0), (0, -1), (-1, 5)])
def test_a_page_that_would_never_end_is_our_mistake(start, size):
    with pytest.raises(ValueError, match="no page of"):
        paging.cut([1, 2, 3], start, size)


def test_a_page_beyond_the_end_is_empty_and_the_last():
    assert paging.cut([1, 2], 9, 5) == ([], None)


def test_a_session_expires_on_the_sandbox_clock():
    store = PageStore(b"s")
    page_id = store.open([1, 2], now=NOW, lifetime=LIFE, token_id="t1")
    assert store.read(page_id, NOW + LIFE - timedelta(seconds=1)).items == [1, 2]
    assert reason_of(store, page_id, NOW + LIFE) == "page_expired"


def test_a_session_belongs_to_its_token_when_the_room_says_so():
    store = PageStore(b"s")
    page_id = store.open([1], now=NOW, lifetime=LIFE, token_id="t1")
    assert store.read(page_id, NOW, "t1")
    assert store.read(page_id, NOW)
    assert reason_of(store, page_id, token_id="t2") == "page_of_another"


def test_page_ids_are_new_each_time_and_of_the_site():
    store, again, other = PageStore(b"s"), PageStore(b"s"), PageStore(b"other")
    ids = [store.open([], now=NOW, lifetime=LIFE) for _ in range(20)]
    assert len(set(ids)) == 20
    assert ids == [again.open([], now=NOW, lifetime=LIFE) for _ in range(20)]
    assert reason_of(other, ids[0]) == "page_unknown"


def test_a_full_store_drops_the_oldest_session():
    store = PageStore(b"s", capacity=2)
    ids = [store.open([n], now=NOW, lifetime=LIFE) for n in range(3)]
    assert len(store) == 2
    assert reason_of(store, ids[0]) == "page_unknown"
    assert store.read(ids[2], NOW).items == [2]


def test_a_closed_session_is_unknown():
    store = PageStore(b"s")
    page_id = store.open([], now=NOW, lifetime=LIFE, id="mine")
    assert page_id == "mine"
    store.close("mine")
    store.close("mine")
    assert reason_of(store, "mine") == "page_unknown"


def test_the_cache_gives_back_what_was_put():
    cache = ByteCache()
    assert cache.get("a") is None
    assert cache.put(("Patient", 1), b"x") == b"x"
    assert cache.get(("Patient", 1)) == b"x"


def test_a_full_cache_forgets_what_was_not_used_for_longest():
    cache = ByteCache(max_bytes=2 * 1200)
    cache.put("a", b"a" * 1000)
    cache.put("b", b"b" * 1000)
    cache.get("a")
    cache.put("c", b"c" * 1000)
    assert [cache.get(key) is not None for key in "abc"] == [True, False, True]


def test_a_value_larger_than_the_cache_is_not_kept_and_evicts_nobody():
    cache = ByteCache(max_bytes=1000)
    cache.put("a", b"a")
    assert cache.put("b", b"b" * 2000) == b"b" * 2000
    assert cache.get("b") is None
    assert cache.get("a") == b"a"


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 900)), max_size=80))
def test_the_cache_never_grows_beyond_its_bound_and_never_lies(puts):
    cache, last = ByteCache(max_bytes=2000), {}
    for key, size in puts:
        last[key] = bytes(size)
        cache.put(key, last[key])
        assert cache.size_bytes <= 2000
    kept = {key: cache.get(key) for key in "abcdef"}
    assert all(value is None or value == last[key] for key, value in kept.items())
    assert cache.size_bytes == sum(len(value) + 200 for value in kept.values() if value is not None)


def test_a_dropped_or_cleared_entry_gives_its_room_back():
    cache = ByteCache()
    cache.put("a", b"1")
    cache.put("b", b"2")
    cache.drop("a")
    assert len(cache) == 1
    cache.clear()
    assert (len(cache), cache.size_bytes) == (0, 0)
