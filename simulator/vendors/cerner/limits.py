"""What a site tolerates. Millennium publishes no limit for its FHIR API: this one is the project's own."""

from __future__ import annotations

from datetime import timedelta

from simulator.limits import Limit
from simulator.source import Source

LIMITS = (
    Limit(
        "hourly",
        calls=5000,
        per=timedelta(hours=1),
        scope="client",
        source=Source(
            "project convention; dossier 4: no published limit, no X-RateLimit header in any capture", "guess"
        ),
    ),
)
