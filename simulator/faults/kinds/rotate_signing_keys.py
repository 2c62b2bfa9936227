"""The vendor rotates the keys that it signs with: a client that keeps a key set meets a key that is not in it."""

from __future__ import annotations

from datetime import timedelta

from simulator.faults.act import Act
from simulator.faults.fault import Fault, seconds
from simulator.faults.rotation import rotate_signing


def _before(act: Act) -> None:
    act.say(generation=rotate_signing(act.x.site, timedelta(seconds=act.args["overlap_s"])))


FAULT = Fault(
    name="rotate_signing_keys",
    says="lets the vendor sign id_tokens and access tokens with new keys from this call on; the old ones stay in its "
    "key set for `overlap_s` seconds of sandbox time",
    args={"overlap_s": seconds(0, "how long the old keys are published beside the new")},
    before=_before,
)
