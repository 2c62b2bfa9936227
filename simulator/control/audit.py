"""The audit log of a sandbox: every access as FHIR AuditEvent, worked out of the journal when somebody asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from simulator.control.journal import after_id
from simulator.control.place import ONE, sandbox_of, site_of
from simulator.control.problem import Problem
from simulator.exchange import Exchange
from simulator.fhir.audit_event import audit_event
from simulator.journal.access import access_of
from simulator.selector import Selector

router = APIRouter(tags=["audit"])
LINES = "application/fhir+ndjson"
_MOST = 2**31
_CHUNK = 20


@router.get(
    f"{ONE}/audit",
    response_model=None,
    responses={200: {"description": "one AuditEvent (FHIR R4) a line, in order", "content": {LINES: {}}}},
)
async def audit(
    request: Request,
    id: str,
    vendor: str | None = None,
    client: str | None = None,
    patient: Annotated[str | None, Query(description="the key of a patient: who saw anything of this one?")] = None,
    since: Annotated[str | None, Query(description="only accesses after this id")] = None,
    limit: Annotated[int | None, Query(ge=0, le=_MOST)] = None,
) -> Response:
    """Every access that the journal holds: who, what, which patients, which scope, with which outcome."""
    found = sandbox_of(request, id)
    if vendor is not None:
        site_of(found, vendor, status=422)
    seen = found.journal.find(Selector(vendor=vendor, client=client), since=after_id(since))
    return StreamingResponse(_lines(seen, _of(patient), limit), media_type=LINES)


def _of(patient: str | None) -> Callable[[Exchange], bool]:
    if patient is None:
        return lambda x: True
    if not (patient.isascii() and patient.isdigit() and len(patient) < 12):
        raise Problem(422, f"query.patient: the key of a patient, as `…/truth/patients` gives it: {patient!r}")
    return lambda x: int(patient) in access_of(x).patients


async def _lines(seen: list[Exchange], fits: Callable[[Exchange], bool], limit: int | None) -> AsyncIterator[bytes]:
    """As many of them as were asked for, a few at a time, so that others are served meanwhile."""
    told = 0
    for start in range(0, len(seen), _CHUNK):
        lines = []
        for x in seen[start : start + _CHUNK]:
            if (limit is None or told < limit) and fits(x):
                lines.append(orjson.dumps(audit_event(x)) + b"\n")
                told += 1
        if lines:
            yield b"".join(lines)
        await asyncio.sleep(0)
