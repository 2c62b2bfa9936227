"""Reads come from a copy that is behind: what was just written, changed or taken away is still as it was before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from simulator.faults.act import Act
from simulator.faults.fault import Fault, seconds


@contextmanager
def _around(act: Act) -> Iterator[None]:
    x = act.x
    if x.method not in ("GET", "HEAD") and not x.path.endswith("/_search"):
        act.say(spared="not a read")
        yield
        return
    world = x.sandbox.world
    copy = world.behind(x.at - timedelta(seconds=act.args["lag_s"]))
    act.say(copy_is_of=copy.now().isoformat(), writes_not_there=world.writes - copy.writes)
    x.sandbox.world = copy
    try:
        yield
    finally:
        x.sandbox.world = world


FAULT = Fault(
    name="read_lag",
    says="reads and searches come from a copy that is `lag_s` seconds of sandbox time behind: what was created is not "
    "there yet, what was changed or deleted is as it was before",
    args={"lag_s": seconds(..., "how far the copy is behind")},
    around=_around,
)
