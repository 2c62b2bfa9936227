"""How much a site tolerates.

No limit is on record: the public sandbox took 27 requests a second without a 429 or a header that counts; hospitals set
caps of their own. So there is one cap, wide enough for load tests, to be narrowed for one site
(`site.limits.set("interconnect", calls=…, per_s=…)`), and one of the searches for documents in a day.
"""

from __future__ import annotations

from datetime import timedelta

from simulator.limits import Limit
from simulator.vendors.epic.sources import source

DOCUMENTS = "documents"
LIMITS = (
    Limit(
        "interconnect",
        calls=600_000,
        per=timedelta(minutes=1),
        scope="client",
        source=source("guess", "MAP", but="30 requests, ten at a time, met no limit; this number is ours"),
    ),
    Limit(
        DOCUMENTS,
        calls=1_000_000,
        per=timedelta(days=1),
        scope="client",
        counts="room",
        source=source("guess", "ERRGUIDE", but="that there is a daily limit is second hand; this number is ours"),
    ),
)
