"""The journal of a sandbox: at once, as a stream of lines, or followed as it is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from simulator.control.place import ONE, sandbox_of, site_of
from simulator.control.problem import Problem
from simulator.exchange import Exchange
from simulator.journal.entry import entry_of
from simulator.journal.journal import Journal, number_of
from simulator.selector import Selector

router = APIRouter(tags=["journal"])
LINES = "application/x-ndjson"
EVENTS = "text/event-stream"
_PAGE = 1000
_MOST = 2**31
_CHUNK = 50


@router.get(
    f"{ONE}/journal",
    response_model=None,
    responses={200: {"description": "exchanges in order", "content": {LINES: {}, EVENTS: {}, "application/json": {}}}},
)
async def journal(
    request: Request,
    id: str,
    vendor: str | None = None,
    path: Annotated[str | None, Query(description="a glob, for example `/Observation*`")] = None,
    status: Annotated[str | None, Query(description="429, or a class such as 5xx")] = None,
    client: str | None = None,
    operation: Annotated[str | None, Query(description="a glob, for example `*.search`")] = None,
    method: str | None = None,
    since: Annotated[str | None, Query(description="only exchanges after this id")] = None,
    limit: Annotated[int | None, Query(ge=0, le=_MOST)] = None,
    accept: Annotated[str, Header()] = "application/json",
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Exchanges in order. `Accept: application/x-ndjson` streams lines, `text/event-stream` follows."""
    found = sandbox_of(request, id)
    held = found.journal
    if vendor is not None:
        site_of(found, vendor, status=422)
    asked = Selector(vendor=vendor, path=path, status=status, client=client, operation=operation, method=method)
    after = after_id(since)
    if EVENTS in accept:
        after = max(after, number_of(last_event_id or ""))
        return StreamingResponse(
            _events(held, asked, after, limit), media_type=EVENTS, headers={"cache-control": "no-store"}
        )
    if LINES in accept:
        return StreamingResponse(_lines(held.find(asked, since=after, limit=limit)), media_type=LINES)
    page = held.find(asked, since=after, limit=_PAGE if limit is None else limit)
    return Response(orjson.dumps(_page(held, page, after)), media_type="application/json")


@router.get(f"{ONE}/journal/{{exchange}}", response_model=None)
async def one(request: Request, id: str, exchange: str) -> Response:
    """One exchange, with both bodies whole."""
    held = sandbox_of(request, id).journal
    found = held.get(exchange)
    if found is None:
        raise Problem(404, f'no exchange "{exchange}" in the journal; it holds the last {len(held)}')
    return Response(orjson.dumps(entry_of(found, body_limit=None)), media_type="application/json")


def after_id(since: str | None) -> int:
    if not since:
        return 0
    number = number_of(since)
    if number == 0 and since.removeprefix("x") != "0":
        raise Problem(422, f"query.since: an exchange id such as x91: {since!r}")
    return number


def _page(held: Journal, found: list[Exchange], after: int) -> dict[str, Any]:
    """`next` is the `since` of the next page."""
    last = found[-1].id if found else f"x{after}"
    return {"exchanges": [entry_of(x) for x in found], "next": last, "last": f"x{held.last}", "dropped": held.dropped}


async def _lines(found: list[Exchange]) -> AsyncIterator[bytes]:
    for start in range(0, len(found), _CHUNK):
        yield b"".join(orjson.dumps(entry_of(x)) + b"\n" for x in found[start : start + _CHUNK])
        await asyncio.sleep(0)


async def _events(held: Journal, asked: Selector, after: int, limit: int | None) -> AsyncIterator[bytes]:
    yield b": following\n\n"
    sent = 0
    async for x in held.follow(after):
        if limit is not None and sent >= limit:
            return
        if asked(x):
            sent += 1
            yield b"id: %b\nevent: exchange\ndata: %b\n\n" % (x.id.encode(), orjson.dumps(entry_of(x)))
            if sent == limit:
                return
