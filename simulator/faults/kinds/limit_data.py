"""The body breaks off: full Content-Length, fewer bytes, then the connection is closed."""

from __future__ import annotations

from simulator.faults.fault import Arg, Args, Fault, Wire


def _wire(args: Args) -> Wire:
    return Wire("part", cut_after=args["bytes"])


FAULT = Fault(
    name="limit_data",
    says="sends only the first `bytes` bytes of the body under the full Content-Length, then closes the connection",
    args={"bytes": Arg(int, ..., "bytes of the body that are sent, 0 or more", at_least=0)},
    wire=_wire,
)
