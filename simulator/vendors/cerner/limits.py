"""What a site tolerates. Millennium publishes no limit for its FHIR API: this one is the project's own."""

from __future__ import annotations

from datetime import timedelta

from simulator.limits import Limit
from simulator.vendors.cerner.sources import source

LIMITS = (
    Limit(
        "hourly",
        calls=5000,
        per=timedelta(hours=1),
        scope="client",
        source=source(
            "guess", but="the project's own number: no limit is published, no capture has an X-RateLimit header"
        ),
    ),
)
