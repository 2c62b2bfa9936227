"""The sandboxes of one server: `default` always, others made, reset and dropped in milliseconds."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import date

from simulator.drift import check_day
from simulator.ids import seed_bytes, text_of
from simulator.population.dirt import Dirt
from simulator.population.people import Population
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox
from simulator.settings import FIRST_DAY, LAST_DAY, MAX_PATIENTS, Settings
from simulator.vendor import Vendor

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_POPULATIONS_KEPT = 16


class Sandboxes:
    """The registry of sandboxes; safe to use from other threads than the server's."""

    def __init__(self, settings: Settings, rooms: Mapping[str, Vendor]) -> None:
        self.settings = settings
        self.rooms = dict(rooms)
        self._lock = threading.RLock()
        self._populations: OrderedDict[tuple[int, int, date, Dirt], Population] = OrderedDict()
        self._made = 0
        self._all: dict[str, Sandbox] = {}
        self.default = self.create(id="default")

    def create(
        self,
        *,
        seed: int | None = None,
        patients: int | None = None,
        as_of: date | None = None,
        vendors: Iterable[str] | None = None,
        id: str | None = None,
        dirt: Dirt | None = None,
        apis: Mapping[str, date] | None = None,
    ) -> Sandbox:
        """A new sandbox; what is not given is as the server was started.

        Raises:
            UsageError: the id is taken or not one, a vendor is not served here, a number is out of range.
        """
        settings = self.settings
        patients = settings.patients if patients is None else patients
        seed = settings.seed if seed is None else seed
        as_of = settings.as_of if as_of is None else as_of
        if not 1 <= patients <= MAX_PATIENTS:
            raise UsageError(f"patients must be from 1 to {MAX_PATIENTS:,}: {patients}")
        if not FIRST_DAY <= as_of <= LAST_DAY:
            raise UsageError(f"as_of must be from {FIRST_DAY} to {LAST_DAY}: {as_of}")
        rooms = self._rooms(vendors)
        apis = self._apis(apis, rooms)
        with self._lock:
            if id is None:
                id = self._new_id()
            elif not _ID.fullmatch(id):
                raise UsageError(f'not a sandbox id: "{id}"', "1 to 40 small letters, digits and hyphens")
            if id in self._all:
                raise UsageError(f'sandbox "{id}" exists', "drop it first, or reset it")
            if len(self._all) > settings.max_sandboxes:
                raise UsageError(f"there are {settings.max_sandboxes} sandboxes", "drop those that are not used")
            made = self._all[id] = Sandbox(
                id,
                seed=seed,
                patients=patients,
                as_of=as_of,
                vendors=rooms,
                journal_size=settings.journal_size,
                population=self._population(seed, patients, as_of, dirt or settings.dirt or Dirt()),
                apis=apis,
            )
        return made

    def _rooms(self, vendors: Iterable[str] | None) -> tuple[Vendor, ...]:
        if vendors is None:
            return tuple(self.rooms.values())
        wanted = list(dict.fromkeys(vendors))
        if not wanted:
            raise UsageError(f"a sandbox needs a vendor; served: {', '.join(self.rooms)}", "leave it away for all")
        for one in wanted:
            if one not in self.rooms:
                raise UsageError(f'vendor "{one}" is not served here; served: {", ".join(self.rooms)}')
        return tuple(self.rooms[one] for one in wanted)

    def _apis(self, asked: Mapping[str, date] | None, rooms: tuple[Vendor, ...]) -> dict[str, date]:
        """The day of each vendor's API: what is asked for, else what the server was started with."""
        served = [room.id for room in rooms]
        for vendor, day in (asked or {}).items():
            if vendor not in served:
                raise UsageError(f'vendor "{vendor}" is not in this sandbox; it has: {", ".join(served)}')
            check_day(day)
        return {id: day for id, day in {**self.settings.apis, **(asked or {})}.items() if id in served}

    def _new_id(self) -> str:
        while True:
            self._made += 1
            id = text_of(seed_bytes("sandbox id", self.settings.seed), self._made, length=6, alphabet=_LETTERS)
            if id not in self._all:
                return id

    def _population(self, seed: int, patients: int, as_of: date, dirt: Dirt) -> Population:
        """The people of (seed, patients, as_of, dirt), shared by every sandbox that asks for the same."""
        key = (seed, patients, as_of, dirt)
        found = self._populations.pop(key, None)
        if found is None:
            found = Population(seed=seed, size=patients, as_of=as_of, dirt=dirt)
        self._populations[key] = found
        while len(self._populations) > _POPULATIONS_KEPT:
            self._populations.popitem(last=False)
        return found

    def get(self, id: str) -> Sandbox | None:
        """The sandbox `id`, or None."""
        return self._all.get(id)

    @property
    def ids(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._all)

    @property
    def all(self) -> tuple[Sandbox, ...]:
        with self._lock:
            return tuple(self._all.values())

    def drop(self, id: str) -> bool:
        """Take a sandbox away; whether there was one.

        Raises:
            UsageError: it is `default`.
        """
        if id == "default":
            raise UsageError('sandbox "default" cannot be dropped', "reset it instead")
        with self._lock:
            gone = self._all.pop(id, None)
        if gone is not None:
            gone.journal.close()
        return gone is not None

    def reset(self, id: str) -> Sandbox | None:
        """The sandbox `id` back at its first moment, in constant time; None when there is none."""
        with self._lock:
            found = self._all.get(id)
            if found is not None:
                found.reset()
        return found
