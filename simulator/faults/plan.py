"""The plan of one exchange: which faults act on it, and where."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from simulator.exchange import Exchange, Reply
from simulator.faults.act import Act
from simulator.faults.fault import Wire
from simulator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.faults.rule import Rule


class Plan:
    """What will go wrong with one exchange."""

    __slots__ = ("_acts", "_late", "acts_before", "spoils", "surrounds", "waits", "wire")

    def __init__(self, acts: Sequence[Act] = (), late: tuple[Rule, ...] = ()) -> None:
        self._acts = list(acts)
        self._late = late
        is_late = bool(late) or any(act.is_late for act in acts)
        self.acts_before = any(act.kind.before is not None or act.kind.refuses is not None for act in acts)
        self.surrounds = any(act.kind.around is not None for act in acts)
        self.spoils = is_late or any(act.kind.spoil is not None for act in acts)
        self.waits = bool(late) or any(act.kind.wait is not None for act in acts)
        self.wire: Wire | None = None
        for act in acts:
            if not act.is_late:
                self._plan_wire(act)

    @property
    def done(self) -> list[dict[str, Any]]:
        """What was done, in the order in which the rules were added: fault id, name, step, arguments, chance, and what
        the kind says of it."""
        return [act.done for act in self._acts if act.done is not None]

    def _plan_wire(self, act: Act) -> None:
        if act.kind.wire is not None:
            self._note(act, "wire")
            planned = act.kind.wire(act)
            if planned is not None:
                self.wire = planned if self.wire is None else self.wire.and_then(planned)

    def _note(self, act: Act, step: str) -> None:
        if act.done is None:
            act.done = {
                "id": act.id,
                "fault": act.kind.name,
                "step": step,
                "args": act.args,
                "draw": f"{act.draw:016x}",
            }

    def meet(self) -> None:
        """Note what a connection meets, which never becomes an exchange."""
        for act in self._acts:
            self._note(act, "connect")

    def before(self) -> None:
        """Change the caller's standing, the request, the clock; refuse. Raises Refusal."""
        for act in self._acts:
            if act.is_late:
                continue
            kind = act.kind
            if kind.before is not None:
                self._note(act, "before")
                kind.before(act)
            refusal = kind.refuses(act) if kind.refuses is not None else None
            if refusal is not None:
                self._note(act, "refuse")
                raise refusal

    def surround(self, answer: Callable[[Exchange], Reply], x: Exchange) -> Reply:
        """The answer, made while everything that surrounds it holds."""
        with ExitStack() as stack:
            for act in self._acts:
                if act.kind.around is not None:
                    self._note(act, "around")
                    if act.is_late:
                        act.say(spared="the answer is made before its status is known")
                    else:
                        stack.enter_context(act.kind.around(act))
            return answer(x)

    def spoil(self, reply: Reply, x: Exchange) -> Reply:
        """The answer as it leaves; rules that ask for the status or the page are decided here. A gap or a crash of ours
        is never dressed up as the vendor's."""
        if not reply.simulated:
            for act in self._acts:
                if act.kind.spoil is not None:
                    self._note(act, "spoil")
                    act.say(spared="not simulated")
            return reply
        for act in self._acts:
            if act.is_late:
                reply = self._act_late(act, reply, x)
            elif act.kind.spoil is not None:
                self._note(act, "spoil")
                reply = act.kind.spoil(reply, act)
        for rule in self._late:
            x.reply = reply
            late = rule.decide(x)
            if late is not None:
                self._acts.append(late)
                reply = self._act_late(late, reply, x)
        return reply

    def _act_late(self, act: Act, reply: Reply, x: Exchange) -> Reply:
        kind = act.kind
        refusal = kind.refuses(act) if kind.refuses is not None else None
        if kind.before is not None or refusal is not None:
            self._note(act, "late")
        self._plan_wire(act)
        if kind.before is not None:
            kind.before(act)
        if refusal is not None:
            reply = dressed(refusal, x)
        if kind.spoil is not None:
            self._note(act, "late")
            reply = kind.spoil(reply, act)
        if act.done is not None:
            act.done["step"] = "late"
        return reply

    async def wait(self, x: Exchange) -> None:
        """Hold the answer back. Waits add up, and count from the arrival: the server's own work is part of them."""
        due = x.started
        waiting: list[tuple[Act, float]] = []
        for act in self._acts:
            if act.kind.wait is not None:
                self._note(act, "late" if act.is_late else "wait")
                wait_s = act.kind.wait(act)
                act.say(wait_ms=round(wait_s * 1000, 3))
                waiting.append((act, wait_s))
                due += wait_s
        left = due - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)
        late_s = max(0.0, time.monotonic() - due)
        for act, wait_s in waiting:
            if act.waits is not None:
                act.waits.record(wait_s, late_s)


def dressed(refusal: Refusal, x: Exchange) -> Reply:
    """The vendor's answer for a refusal that comes late."""
    x.refusal = refusal.detail or refusal.kind
    return x.vendor.finish(x.vendor.errors.dress(refusal, x), x)


NO_PLAN = Plan()
