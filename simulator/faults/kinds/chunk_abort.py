"""A chunked answer that does not end as it must: it stops, or what comes is no chunk (MALFORMED_RESPONSE_CHUNK)."""

from __future__ import annotations

from simulator.faults.act import Act
from simulator.faults.fault import Arg, Fault, Wire, whole

_NO_CHUNK = b"zz\r\nthis is no chunk\r\n"


def _wire(act: Act) -> Wire:
    tail = _NO_CHUNK if act.args["tail"] == "malformed" else b""
    return Wire(sent="part", cut_after=act.args["bytes"], end="close", chunked=True, tail=tail)


FAULT = Fault(
    name="chunk_abort",
    says="sends the head and the first `bytes` bytes as chunks, without Content-Length, and then no last chunk",
    args={
        "bytes": whole(100, "bytes of the body that are sent"),
        "tail": Arg(str, "none", "what stands where the last chunk should be", one_of=("none", "malformed")),
    },
    wire=_wire,
)
