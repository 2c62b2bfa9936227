"""How much the proprietary API tolerates. Its numbers are published nowhere; what a used up day answers is seen."""

from __future__ import annotations

from datetime import timedelta

from simulator.limits import Limit
from simulator.vendors.nextgen.errors import DAY
from simulator.vendors.nextgen.sources import source

LIMITS = (
    Limit(
        "minute",
        calls=1000,
        per=timedelta(minutes=1),
        scope="client",
        source=source("guess", but="between 500 and 2,000 a minute, the project's own range: no number is published"),
    ),
    Limit(
        DAY,
        calls=100_000,
        per=timedelta(days=1),
        scope="client",
        source=source("guess", "BITFOUNT", but="that there is one, and what it answers, is seen; its number is ours"),
    ),
)
