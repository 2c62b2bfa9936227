"""The answer comes late. Real time: what a client's timeout measures.

The request is handled when it comes; its answer is held back until so much time has passed since its arrival, the
server's own work included. So a write is done though its caller may have given up, a concurrent limit is held
meanwhile, and the wait is as long under load as without (`GET …/faults` reports configured against achieved).
"""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist
from typing import Any

from simulator.faults.act import Act
from simulator.faults.fault import Arg, Fault, milliseconds, seconds, share

_LEAST = 1e-12


def _wait(act: Act) -> float:
    args = act.args
    wait_ms = drawn_ms(args, act.chance("wait"))
    if args["spike_share"] and act.chance("spike") < args["spike_share"]:
        wait_ms += args["spike_ms"]
        act.say(spike=True)
    if args["ramp_s"]:
        act.say(since_s=act.since_s)
        wait_ms *= min(1.0, act.since_s / args["ramp_s"])
    return float(min(max(wait_ms, 0.0), args["most_ms"])) / 1000


def drawn_ms(args: Any, u: float) -> float:
    """The quantile `u` (0 to 1) of the distribution."""
    middle, spread = float(args["latency_ms"]), float(args["jitter_ms"])
    match args["distribution"]:
        case "normal":
            return middle + spread * NormalDist().inv_cdf(min(max(u, _LEAST), 1 - _LEAST))
        case "lognormal":
            return middle * math.exp(float(args["sigma"]) * NormalDist().inv_cdf(min(max(u, _LEAST), 1 - _LEAST)))
        case "quantiles":
            return _between(args["quantiles"], middle, 100 * u)
        case "fixed":
            return middle
    return middle + (2 * u - 1) * spread


def _between(quantiles: dict[str, float], least: float, at: float) -> float:
    """The value at percentile `at`: straight lines between those that are given, from `least` at 0 on."""
    low, value = 0.0, float(least)
    for high, told in sorted((float(name), float(one)) for name, one in quantiles.items()):
        if at < high:
            return value + (told - value) * (at - low) / (high - low)
        low, value = high, told
    return value


def _are_quantiles(value: Any) -> bool:
    try:
        pairs = sorted((float(name), float(one)) for name, one in value.items())
    except (TypeError, ValueError):
        return False
    rising = all(before[1] <= after[1] for before, after in pairwise(pairs))
    return rising and all(0 < at <= 100 and 0 <= one <= 600_000 for at, one in pairs)


FAULT = Fault(
    name="latency",
    says="holds the answer back for `latency_ms` milliseconds since the arrival of the call, drawn from a distribution",
    args={
        "latency_ms": milliseconds(..., "the wait: the middle of `uniform` and `normal`, the median of "
                                        "`lognormal`, the least of `quantiles`"),
        "jitter_ms": milliseconds(0, "how far `uniform` goes to either side; the standard deviation of `normal`"),
        "distribution": Arg(
            str, "uniform", "how waits are spread", one_of=("uniform", "fixed", "normal", "lognormal", "quantiles")
        ),
        "sigma": Arg((int, float), 0.5, "the shape of `lognormal`, 0 to 5", at_least=0, at_most=5),
        "quantiles": Arg(
            dict, {}, "for `quantiles`: percentile -> milliseconds, rising: {\"50\" = 80, \"90\" = 300, \"99\" = 4000}",
            fits=_are_quantiles,
        ),
        "spike_share": share(0, "the share of the answers that are later still"),
        "spike_ms": milliseconds(0, "by how much"),
        "ramp_s": seconds(0, "over how much sandbox time the wait grows from nothing to its full length"),
        "most_ms": milliseconds(600_000, "no answer waits longer"),
    },
    wait=_wait,
)  # fmt: skip
