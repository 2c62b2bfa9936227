"""The plan of one exchange: which faults act on it, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.exchange import Exchange, Reply
from simulator.faults.fault import Wire
from simulator.refusal import Refusal

if TYPE_CHECKING:
    from simulator.faults.rule import Rule


@dataclass(frozen=True, slots=True)
class Step:
    """One fault that acts on one exchange; `draw` is its 64 bits of chance."""

    rule: Rule
    draw: int


class Plan:
    """What will go wrong with one exchange. `done` says what was done: fault id, name, step."""

    __slots__ = ("_late", "_steps", "acts_before", "done", "spoils", "wire")

    def __init__(self, steps: tuple[Step, ...] = (), late: tuple[Rule, ...] = ()) -> None:
        self._steps = steps
        self._late = late
        self.acts_before = any(
            step.rule.kind.before is not None or step.rule.kind.refuses is not None for step in steps
        )
        self.spoils = bool(late) or any(step.rule.kind.spoil is not None for step in steps)
        self.wire: Wire | None = None
        self.done: list[dict[str, Any]] = []
        for step in steps:
            self._plan_wire(step)

    def _plan_wire(self, step: Step) -> None:
        if step.rule.kind.wire is not None:
            self.wire = step.rule.kind.wire(step.rule.args)
            self._note(step, "wire")

    def _note(self, step: Step, stage: str) -> None:
        self.done.append({"id": step.rule.id, "fault": step.rule.kind.name, "step": stage})

    async def before(self, x: Exchange) -> None:
        """Wait, change the caller's standing, refuse; raises Refusal."""
        for step in self._steps:
            kind = step.rule.kind
            if kind.before is not None:
                self._note(step, "before")
                await kind.before(step.rule.args, x, step.draw)
            refusal = kind.refuses(step.rule.args) if kind.refuses is not None else None
            if refusal is not None:
                self._note(step, "refuse")
                raise refusal

    def spoil(self, reply: Reply, x: Exchange) -> Reply:
        """The answer as it leaves; rules that ask for the status or the page are decided here."""
        for step in self._steps:
            if step.rule.kind.spoil is not None:
                self._note_once(step)
                reply = step.rule.kind.spoil(reply, step.rule.args, x, step.draw)
        if self._late:
            x.reply = reply
            for rule in self._late:
                late = rule.decide(x)
                if late is not None:
                    reply = x.reply = self._act_late(late, reply, x)
        return reply

    def _act_late(self, step: Step, reply: Reply, x: Exchange) -> Reply:
        self._plan_wire(step)
        kind = step.rule.kind
        if kind.refuses is not None:
            self._note(step, "late")
            refusal = kind.refuses(step.rule.args)
            if refusal is not None:
                reply = _dressed(refusal, x)
        if kind.spoil is not None:
            self._note_once(step)
            reply = kind.spoil(reply, step.rule.args, x, step.draw)
        return reply

    def _note_once(self, step: Step) -> None:
        if not any(one["id"] == step.rule.id for one in self.done):
            self._note(step, "spoil")


def _dressed(refusal: Refusal, x: Exchange) -> Reply:
    x.refusal = refusal.detail or refusal.kind
    return x.vendor.finish(x.vendor.errors.dress(refusal, x), x)


NO_PLAN = Plan()
