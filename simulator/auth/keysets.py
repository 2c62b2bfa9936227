"""Key sets that clients publish at a URL: when to fetch, how long to believe what came.

A state machine without I/O: `wants` says whether a fetch is due, whoever fetches tells `put` or `failed`. Times are the
sandbox's own, so that a test can let a cached set grow old.

Source: SMART App Launch 2.2.0, client-confidential-asymmetric: std:SMART-BS-06; what each vendor does: its SOURCES.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from simulator.auth.assertion import Key, keys_of, keys_of_jwks
from simulator.auth.clients import Client

MOST_KEYS = 100
_CAPACITY = 10_000
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Habit:
    """How a vendor keeps key sets: at most `longest`, `otherwise` when the answer says nothing; `again` is how soon a
    set is fetched once more because a kid is not in it."""

    longest: timedelta
    otherwise: timedelta
    again: timedelta = timedelta(0)


@dataclass(slots=True)
class _Kept:
    keys: Mapping[str, Key]
    fetched: datetime
    until: datetime
    flaw: str = ""


@dataclass(slots=True)
class KeySets:
    """The key sets of one site's clients, by URL."""

    _by_url: dict[str, _Kept] = field(default_factory=dict)

    def keys(self, url: str) -> Mapping[str, Key]:
        """The keys last seen at `url`, by kid; none when nothing came."""
        kept = self._by_url.get(url)
        return kept.keys if kept is not None else {}

    def flaw(self, url: str) -> str:
        """Why there are no keys of `url`; empty when there is nothing to tell."""
        kept = self._by_url.get(url)
        return kept.flaw if kept is not None else "never fetched"

    def wants(self, url: str, kid: str | None, now: datetime, habit: Habit) -> bool:
        """Whether `url` is to be fetched before an assertion with this `kid` is judged: nothing is kept, it is too old,
        or the kid is not in it and the last look was long enough ago."""
        kept = self._by_url.get(url)
        if kept is None or kept.until <= now:
            return True
        return kid is not None and kid not in kept.keys and now - kept.fetched >= habit.again

    def put(self, url: str, document: Any, cache_control: str, now: datetime, habit: Habit) -> None:
        """The document that came from `url`."""
        if len(self._by_url) >= _CAPACITY and url not in self._by_url:
            del self._by_url[next(iter(self._by_url))]
        try:
            keys = keys_of_jwks(document)
        except ValueError as error:
            self._by_url[url] = _Kept({}, now, now, str(error))
            return
        if len(keys) > MOST_KEYS:
            self._by_url[url] = _Kept({}, now, now, f"more than {MOST_KEYS} keys")
            return
        self._by_url[url] = _Kept(keys, now, now + _age(cache_control, habit))

    def failed(self, url: str, flaw: str, now: datetime) -> None:
        """Nothing useful came from `url`; keys that are still believed stay."""
        kept = self._by_url.get(url)
        if kept is None or kept.until <= now:
            self._by_url[url] = _Kept({}, now, now, flaw)


def keys_for(client: Client, sets: KeySets, now: datetime | None = None) -> Mapping[str, Key]:
    """The public keys of a client, by kid: those of its URL, those it registered, or the ready-made ones at `now`."""
    if client.jwks_uri:
        return sets.keys(client.jwks_uri)
    return keys_of_jwks(client.jwks) if client.jwks is not None else keys_of(client, now)


def _age(cache_control: str, habit: Habit) -> timedelta:
    said = cache_control.lower()
    if "no-store" in said or "no-cache" in said:
        return timedelta(0)
    found = _MAX_AGE.search(said)
    return min(timedelta(seconds=int(found[1])) if found else habit.otherwise, habit.longest)
