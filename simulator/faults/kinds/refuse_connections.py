"""Nobody listens: connections to a vendor are refused, and those that were open are broken off."""

from __future__ import annotations

from simulator.faults.fault import Fault

FAULT = Fault(
    name="refuse_connections",
    says="closes the port of a vendor's own door (POST …/vendors/{v}/door) while the rule is open, 50 ms late at most; "
    "share and budget do not count",
    args={},
    shuts=True,
)
