"""The faults of one sandbox: which rules there are, what they decide for an exchange, and what is still to come."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.exchange import Exchange
from simulator.faults.plan import NO_PLAN, Plan
from simulator.faults.rule import Rule
from simulator.ids import seed_bytes
from simulator.refusal import UsageError

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Due:
    """An action that waits for its sandbox time."""

    at: datetime
    act: Callable[[], None]


class FaultBook:
    """The rules of one sandbox. `seed` decides every share; `now` is the sandbox clock, where windows begin.

    Timed actions of a scenario wait here too and are done by the first exchange that comes after their time: nobody
    can see the difference, and no timer runs beside the sandbox clock.
    """

    __slots__ = ("_agenda", "_lock", "_next", "_now", "_seed", "rules")

    def __init__(self, seed: bytes, now: Callable[[], datetime] | None = None) -> None:
        self.rules: tuple[Rule, ...] = ()
        self._agenda: tuple[Due, ...] = ()
        self._seed = seed
        self._now = now
        self._next = 1
        self._lock = threading.Lock()

    def decide(self, x: Exchange) -> Plan:
        """The plan of this exchange. Every rule that fits acts, in the order in which they were added."""
        if not self.rules and not self._agenda:
            return NO_PLAN
        if self._agenda:
            self.settle(x.at)
        late = tuple(rule for rule in self.rules if rule.when.is_late)
        steps = [rule.decide(x) for rule in self.rules if not rule.when.is_late]
        chosen = tuple(step for step in steps if step is not None)
        return Plan(chosen, late) if chosen or late else NO_PLAN

    def add(self, value: Mapping[str, Any]) -> Rule:
        """Add the rule of the contract's `fault` shape; an `id` may be given.

        Raises:
            UsageError: the shape is not acceptable.
        """
        with self._lock:
            number = self._next
            id = _id_of(value, f"f{number}")
            made = Rule.from_json(
                value, id=id, seed=seed_bytes(self._seed.hex(), number), added_at=self._now() if self._now else None
            )
            self._next += 1
            self.rules = (*(rule for rule in self.rules if rule.id != id), made)
        return made

    def at(self, due: datetime, act: Callable[[], None]) -> None:
        """Do `act` when the sandbox clock has come to `due`."""
        with self._lock:
            self._agenda = tuple(sorted((*self._agenda, Due(due, act)), key=lambda one: one.at))

    def settle(self, now: datetime) -> None:
        """Do what is due at `now`, in order of time."""
        with self._lock:
            ripe = [one for one in self._agenda if one.at <= now]
            self._agenda = self._agenda[len(ripe) :]
        for one in ripe:
            one.act()

    def remove(self, id: str) -> bool:
        """Take a rule away; whether there was one."""
        with self._lock:
            left = tuple(rule for rule in self.rules if rule.id != id)
            found = len(left) < len(self.rules)
            self.rules = left
        return found

    def clear(self) -> None:
        """Take every rule and every timed action away; ids and chance start anew."""
        with self._lock:
            self.rules = ()
            self._agenda = ()
            self._next = 1


def _id_of(value: Mapping[str, Any], otherwise: str) -> str:
    given = value.get("id") if isinstance(value, Mapping) else None
    if given is None:
        return otherwise
    if not isinstance(given, str) or not _ID.fullmatch(given):
        raise UsageError(f"`id` of a fault is 1 to 64 letters, digits, dots and hyphens: {given!r}")
    return given
