"""What clinical events have in common: results, documents and reports carry the number of their event."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from simulator.ids import seed_bytes
from simulator.sandbox import Site

_SYSTEM = "https://fhir.cerner.com/ceuuid"


def identifier(site: Site, event: int, at: datetime) -> dict[str, Any]:
    """The identifier of the clinical event `event`, performed at `at`: `CE{uuid}-{event}-{timestamp}`."""
    uuid = UUID(bytes=seed_bytes("clinical event", site.key.hex())[:16])
    return {"system": _SYSTEM, "value": f"CE{uuid}-{event}-{at:%Y%m%d%H%M%S}00"}
