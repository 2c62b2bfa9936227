"""A piece of plain Python by which one machine is told from another, and one minute of it from the next.

A limit in microseconds is worth nothing on a core that is half as fast as the one for which it was set, or that others
use, too. So what is measured is held against this, done just before and just after in the same process.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from simulator.ids import mix

REFERENCE_MS = 1.25
"""What the yardstick takes on the core for which our limits in microseconds hold: one of an Intel Xeon server of 2026
on which nothing else runs. The prototype of a chart, from which the limits come, takes one yardstick (some 320 records
a patient; the middle one of three hundred turns). Slower cores of which we know take up to three milliseconds."""
_STEPS = 1_500


@dataclass(slots=True)
class _Thing:
    number: int
    name: str
    share: float
    of: tuple[int, str]


def yardstick() -> float:
    """Milliseconds of processor time that it takes now: draws, floats, objects, dictionaries, a sort; what a chart is
    made of, too."""
    started = time.process_time()
    held: dict[tuple[str, int], _Thing] = {}
    for turn in range(_STEPS):
        draw = mix(turn, 0x5EED)
        name = "even" if draw & 1 else "odd"
        share = (draw >> 52) / 4096.0
        share = share * 1.22 + (1.0 - share) * 0.6 if share > 0.25 else share
        held[name, turn] = _Thing(turn, name, share, (draw >> 60, name))
    things = sorted(held.values(), key=lambda thing: thing.share)
    assert len([thing for thing in things if thing.of[0] < 8]) < _STEPS
    return (time.process_time() - started) * 1e3
