"""A sandbox: one isolated EMR world. A site: one vendor inside one sandbox."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from simulator.auth.clients import Client
from simulator.auth.desk import Desk
from simulator.auth.replay import ReplayGuard
from simulator.auth.signing import Signing
from simulator.auth.tokens import TokenStore
from simulator.clock import Clock
from simulator.drift import Drifted, Move
from simulator.faults.book import FaultBook
from simulator.fhir.cache import ByteCache
from simulator.fhir.paging import PageStore
from simulator.ids import Permutation, seed_bytes
from simulator.journal.journal import Journal
from simulator.limits import LimitBook
from simulator.population.dirt import Dirt
from simulator.population.kept_from import KeptFrom
from simulator.population.people import Population
from simulator.population.world import World

if TYPE_CHECKING:
    from simulator.vendor import Vendor


class Site:
    """One vendor inside one sandbox: its clients, tokens, logins, keys, page sessions, used quotas, ready bytes.

    `key` seeds the ids this vendor gives: it depends on the population and the vendor, not on the sandbox, so the same
    seed gives the same ids in every sandbox. `secret` seeds what must be useless elsewhere: tokens, page ids.
    `settings` are the vendor's `defaults`, changeable per sandbox; `memory` is what the room itself remembers here.
    `moved_to` is the origin that its URLs lead to, when that is not the one that was called. `as_of` is the day of the
    vendor's API, `drifted` what that lays over the room: nothing on the room's own day; `moves` are the upgrades so
    far.
    """

    __slots__ = (
        "_permutations", "as_of", "cache", "clients", "desk", "drifted", "key", "limits", "memory", "moved_to", "moves",
        "pages", "replay", "sandbox", "secret", "settings", "signing", "tokens", "vendor",
    )  # fmt: skip

    def __init__(self, sandbox: Sandbox, vendor: Vendor, as_of: date | None = None) -> None:
        self.sandbox = sandbox
        self.vendor = vendor
        self.key = seed_bytes("site", sandbox.world.population.key.hex(), vendor.id)
        self.secret = seed_bytes("secret", sandbox.id, sandbox.generation, self.key.hex())
        self.settings: dict[str, Any] = dict(vendor.defaults)
        self.memory: dict[Hashable, Any] = {}
        self.clients: dict[str, Client] = {client.client_id: client for client in vendor.clients(self)}
        self.tokens = TokenStore(self.secret)
        self.desk = Desk(self.secret, self.tokens)
        self.replay = ReplayGuard()
        self.signing = Signing()
        self.pages = PageStore(self.secret)
        self.limits = LimitBook(vendor.limits)
        self.cache = ByteCache()
        self.moved_to = sandbox.doors.get(vendor.id, "")
        self.as_of = vendor.drift.as_of
        self.drifted: Drifted | None = None
        self.moves: tuple[Move, ...] = ()
        self._permutations: dict[tuple[int, str], Permutation] = {}
        if as_of is not None:
            self._stand_at(as_of)

    def change_settings(self, values: Mapping[str, Any]) -> None:
        """Let settings be others, at once: what was rendered under the old ones is forgotten."""
        self.settings.update(values)
        self.cache.clear()

    def delivered(self, name: str) -> Any:
        """The setting as the vendor delivers it on the day of its API."""
        return self.vendor.drift.settings(self.as_of).get(name, self.vendor.defaults[name])

    def upgrade(self, as_of: date) -> Move:
        """Let the vendor's API be that of another day, at once, forward or back.

        Settings and limits that differ between the two days are set; all others stay as somebody put them. Tokens, page
        sessions and what was written stay (guess: upgrades are told to keep them, and nobody says so).
        """
        move = Move(self.sandbox.clock.now(), self.as_of, as_of)
        self._stand_at(as_of)
        self.moves = (*self.moves, move)
        return move

    def _stand_at(self, day: date) -> None:
        history, before = self.vendor.drift, self.as_of
        was, is_now = history.settings(before), history.settings(day)
        for name in was.keys() | is_now.keys():
            usual = self.vendor.defaults[name]
            old, new = was.get(name, usual), is_now.get(name, usual)
            if old != new:
                self.settings[name] = self._laid_over(name, old, new)
        self.limits.deliver(history.limits(self.vendor.limits, day))
        self.as_of = day
        self.drifted = None if day == history.as_of else Drifted(history, day)
        self.cache.clear()

    def _laid_over(self, name: str, old: Any, new: Any) -> Any:
        """A new value; a table keeps what somebody else put into it."""
        if not isinstance(new, Mapping):
            return new
        return {key: value for key, value in self.settings[name].items() if key not in old} | dict(new)

    def permutation(self, n: int, tweak: str) -> Permutation:
        """The site's keyed bijection of [0, n) for `tweak`, built once."""
        made = self._permutations.get((n, tweak))
        if made is None:
            made = self._permutations[n, tweak] = Permutation(n, self.key, tweak)
        return made

    def credentials(self) -> Callable[[str], str]:
        """The question "what kind of secret of this site is this?": `access_token`, `client_secret` …, or empty."""
        held = {secret: name for one in self.clients.values() for secret, name in one.secrets}

        def kind_of(text: str) -> str:
            if self.tokens.knows(text):
                return "access_token"
            return held.get(text) or self.desk.grants.kind_of(text)

        return kind_of

    @contextmanager
    def kept_from(self, labels: frozenset[str]) -> Iterator[None]:
        """Within it, the site answers from a truth without the records that bear these labels, and from bytes of it."""
        whole, bytes_of_whole = self.sandbox.world, self.cache
        held = self.memory.get(("kept from", labels))
        if held is None or held[0] is not whole:
            held = self.memory["kept from", labels] = (whole, KeptFrom(whole, labels), ByteCache())
        self.sandbox.world, self.cache = held[1], held[2]
        try:
            yield
        finally:
            self.sandbox.world, self.cache = whole, bytes_of_whole

    def urls(self, base_url: str) -> dict[str, str]:
        """The vendor's URLs (`base_url`, `fhir_url`, `token_url`, …) below `base_url`, as the control API says."""
        return self.vendor.urls(base_url, self)


class Sandbox:
    """One isolated EMR world: population seed, clock, written data, sites, faults, journal.

    `apis` says for vendors on which day their API stands at the first moment, when that is not the room's own; `doors`
    are the origins of vendors that have a port of their own. `charts_kept` is how many charts its world holds ready.
    """

    def __init__(
        self,
        id: str,
        *,
        seed: int,
        patients: int,
        as_of: date,
        vendors: tuple[Vendor, ...],
        clock: Clock | None = None,
        journal_size: int = 100_000,
        charts_kept: int = 20,
        population: Population | None = None,
        dirt: Dirt | None = None,
        apis: Mapping[str, date] | None = None,
    ) -> None:
        self.id = id
        self.seed = seed
        self.patients = patients
        self.as_of = as_of
        self.generation = 0
        self.scenario: str | None = None
        self.started_at = datetime.combine(as_of, time(12), UTC)
        self.clock = clock or Clock(self.started_at)
        self.journal = Journal(journal_size)
        self.faults = FaultBook(seed_bytes("faults", seed), self._now)
        people = population or Population(seed=seed, size=patients, as_of=as_of, dirt=dirt)
        self.world = World(people, self._now, charts_kept=charts_kept)
        self.apis = dict(apis or {})
        self.doors: dict[str, str] = {}
        self.sites: dict[str, Site] = {vendor.id: Site(self, vendor, self.apis.get(vendor.id)) for vendor in vendors}

    def _now(self) -> datetime:
        return self.clock.now()

    def reset(self) -> None:
        """Back to the first moment, in constant time: nothing written, no tokens, faults, used quotas, empty journal.

        Old tokens and page ids are useless afterwards: the secrets of the sites hang on `generation`. The sites are
        made anew and put in place at once, so that a request sees either the old ones or the new ones.
        """
        self.generation += 1
        self.scenario = None
        self.clock = Clock(self.started_at)
        self.faults.clear()
        self.world.reset()
        self.sites = {id: Site(self, site.vendor, self.apis.get(id)) for id, site in self.sites.items()}
        self.journal.clear()
