"""A filter that the vendor does not know this time: it is ignored without a word, and too much comes back."""

from __future__ import annotations

from simulator.faults.act import Act
from simulator.faults.fault import Arg, Fault


def _before(act: Act) -> None:
    kept = [pair for pair in act.x.params if pair[0] != act.args["parameter"]]
    if len(kept) == len(act.x.params):
        act.say(spared="it was not asked for")
        return
    act.x.read_params_as(kept)


FAULT = Fault(
    name="ignore_parameter",
    says="handles the call as if the query parameter `parameter` were not there",
    args={"parameter": Arg(str, ..., "its name, as the caller writes it", fits=lambda value: bool(value))},
    before=_before,
)
