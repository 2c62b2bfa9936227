"""The faults of one sandbox: which rules there are, what they decide for an exchange, and what is still to come."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from simulator.exchange import Exchange
from simulator.faults.act import Act
from simulator.faults.outage import Outbreak, parts_of
from simulator.faults.outages import outages
from simulator.faults.plan import NO_PLAN, Plan
from simulator.faults.replay import Script
from simulator.faults.rule import Rule, check_members
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

    Timed actions of a scenario wait here too and are done by the first exchange that comes after their time, as of
    their time: nobody can see the difference, and no timer runs beside the sandbox clock.
    """

    __slots__ = ("_agenda", "_lock", "_moment", "_next", "_now", "_seed", "outbreaks", "rules", "script")

    def __init__(self, seed: bytes, now: Callable[[], datetime] | None = None) -> None:
        self.rules: tuple[Rule, ...] = ()
        self.outbreaks: tuple[Outbreak, ...] = ()
        self.script: Script | None = None
        self._agenda: tuple[Due, ...] = ()
        self._moment: datetime | None = None
        self._seed = seed
        self._now = now
        self._next = 1
        self._lock = threading.RLock()

    def decide(self, x: Exchange) -> Plan:
        """The plan of this exchange. Every rule that fits acts, in the order in which they were added."""
        if not self.rules and not self._agenda and self.script is None:
            return NO_PLAN
        if self._agenda:
            self.settle(x.at)
        rules = [rule for rule in self.rules if not rule.kind.is_of_connections]
        late = tuple(rule for rule in rules if rule.when.is_late)
        acts = [] if self.script is None else self.script.acts_on(x)
        decided = [rule.decide(x) for rule in rules if not rule.when.is_late]
        acts += [act for act in decided if act is not None]
        return Plan(acts, late) if acts or late else NO_PLAN

    def met(self, x: Exchange) -> Act | None:
        """What a connection meets at its vendor's own door: the first rule that acts; None for nothing."""
        for rule in self.rules:
            if rule.kind.meets is not None:
                act = rule.decide(x)
                if act is not None:
                    return act
        return None

    def shuts(self, x: Exchange) -> bool:
        """Whether a rule says that nobody listens at the vendor's own door now."""
        for rule in self.rules:
            if rule.kind.shuts and rule.stands(x):
                rule.matches = rule.hits = 1
                return True
        return False

    def add(self, value: Mapping[str, Any]) -> Rule | Outbreak:
        """Add the rule of the contract's `fault` shape, or all rules of an outage; an `id` may be given.

        Raises:
            UsageError: the shape is not acceptable.
        """
        check_members(value)
        kind = outages().get(str(value.get("fault")))
        with self._lock:
            id = _id_of(value, f"f{self._next}")
            if kind is None:
                made: Rule | Outbreak = (rule := self._rule(value, id))
                rules = [rule]
            else:
                parts = parts_of(kind, value)
                made = Outbreak(
                    id, dict(value), tuple(self._rule(part, f"{id}.{n}") for n, part in enumerate(parts, 1))
                )
                rules = list(made.rules)
                self.outbreaks = (*(one for one in self.outbreaks if one.id != id), made)
            self._next += 1
            mine = {id, *(rule.id for rule in rules)}
            self.rules = (*(rule for rule in self.rules if rule.id not in mine), *rules)
        return made

    def _rule(self, value: Mapping[str, Any], id: str) -> Rule:
        chance = seed_bytes(self._seed.hex(), self._next, *([id.rpartition(".")[2]] if "." in id else []))
        return Rule.from_json(
            value, id=id, chance=chance, added_at=self._moment or (self._now() if self._now else None)
        )

    def replay(self, exchanges: Iterable[Mapping[str, Any]]) -> Script:
        """Do again what the journal says was done: the n-th call of an operation meets what the n-th met then.

        Raises:
            UsageError: what is given is no journal.
        """
        made = Script(exchanges)
        self.script = made
        return made

    def at(self, due: datetime, act: Callable[[], None]) -> None:
        """Do `act` when the sandbox clock has come to `due`."""
        with self._lock:
            self._agenda = tuple(sorted((*self._agenda, Due(due, act)), key=lambda one: one.at))

    def settle(self, now: datetime) -> None:
        """Do what is due at `now`, in order of time, each as of its own time: a window begins when it was due."""
        with self._lock:
            while self._agenda and self._agenda[0].at <= now:
                ripe, self._agenda = self._agenda[0], self._agenda[1:]
                self._moment = ripe.at
                try:
                    ripe.act()
                finally:
                    self._moment = None

    @property
    def to_come(self) -> tuple[datetime, ...]:
        """When timed actions are due."""
        return tuple(one.at for one in self._agenda)

    def remove(self, id: str) -> bool:
        """Take a rule away, or an outage with all its rules; whether there was one."""
        with self._lock:
            parts = {rule.id for one in self.outbreaks if one.id == id for rule in one.rules}
            left = tuple(rule for rule in self.rules if rule.id != id and rule.id not in parts)
            found = len(left) < len(self.rules) or bool(parts)
            self.rules = left
            kept = (replace(one, rules=tuple(r for r in one.rules if r.id != id)) for one in self.outbreaks)
            self.outbreaks = tuple(one for one in kept if one.id != id and one.rules)
        return found

    def clear(self) -> None:
        """Take every rule, what is replayed and every timed action away; ids and chance start anew."""
        with self._lock:
            self.rules = ()
            self.outbreaks = ()
            self.script = None
            self._agenda = ()
            self._next = 1

    def to_json(self) -> list[dict[str, Any]]:
        """Every rule and outage in the order of adding, an outage with its rules."""
        parts = {rule.id: one for one in self.outbreaks for rule in one.rules}
        told: dict[str, dict[str, Any]] = {}
        for rule in self.rules:
            whole = parts.get(rule.id, rule)
            told.setdefault(whole.id, whole.to_json())
        return list(told.values())


def _id_of(value: Mapping[str, Any], otherwise: str) -> str:
    given = value.get("id")
    if given is None:
        return otherwise
    if not isinstance(given, str) or not _ID.fullmatch(given):
        raise UsageError(f"`id` of a fault is 1 to 64 letters, digits, dots and hyphens: {given!r}")
    return given
