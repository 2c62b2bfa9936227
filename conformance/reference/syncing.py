"""Reading what is new: where the last reading ended is told by the vendor's own times, kind by kind.

A cursor is opaque to whoever keeps it: of each kind the newest change that was served, and our clock then. Where a
vendor cannot tell what changed, everything is read again. What is not listed any more is not deleted for that: a
grant, a label or an outage may hide it. What was taken back is told so.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from conformance.reference.behaviour import Json
from conformance.reference.failure import Failure
from conformance.reference.fhir import FhirVendor, PatientRef
from conformance.reference.run import Run


async def sync(vendor: FhirVendor, run: Run, args: Json) -> None:
    """Collects what changed since `args.cursor` of the patients and kinds that are asked about.

    Raises:
        Failure: the cursor is none of ours.
    """
    before = _read(args.get("cursor"))
    behaviour, asked = vendor.behaviour, datetime.now(UTC)
    for kind, held in before.items():
        if kind in vendor.tells_changes and (since := behaviour.since(*held)):
            run.since[kind] = since
    patients = [PatientRef.of(one) for one in args["scope"]]
    kinds = [kind for kind in args["kinds"] if kind in vendor.types]
    newest: dict[str, list[str]] = {}

    async def one(kind: str, patient: PatientRef) -> list[Json]:
        found = await vendor.read(run, kind, patient)
        newest.setdefault(kind, []).append(run.newest.get(kind, ""))
        return found

    await asyncio.gather(*(run.collect(kind, one(kind, patient)) for kind in kinds for patient in patients))
    told = {(record["source"]["type"], record["source"]["id"]): record["source"] for record in run.records}
    if not behaviour.retracts:
        run.gone.clear()
    if behaviour.deletes:
        run.gone += [source for key, source in vendor.listed.items() if key not in told]
    vendor.listed = told
    failed = set() if behaviour.marks_failed else run.failed
    if behaviour.marks_failed:
        newest |= {kind: [""] * len(patients) for kind in kinds if kind not in newest}
    whole = {kind: times for kind, times in newest.items() if kind not in failed and len(times) == len(patients)}
    after = before | {kind: _later(before.get(kind), times, asked) for kind, times in whole.items()}
    run.note(cursor=_written({kind: held for kind, held in after.items() if held}), deleted=run.gone)


Held = tuple[datetime, datetime]
"""The newest change that was served, and our clock at that reading."""


def _later(before: Held | None, times: list[str], asked: datetime) -> Held | None:
    known = [datetime.fromisoformat(one) for one in times if one] + ([before[0]] if before else [])
    return (max(known), asked) if known else None


def _read(cursor: str | None) -> dict[str, Held]:
    try:
        told = json.loads(cursor) if cursor else {}
        return {kind: (datetime.fromisoformat(a), datetime.fromisoformat(b)) for kind, (a, b) in told.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise Failure("config", "the cursor is none of ours", reason="cursor") from error


def _written(cursor: dict[str, Any]) -> str:
    return json.dumps({kind: [one.isoformat() for one in held] for kind, held in sorted(cursor.items())})
