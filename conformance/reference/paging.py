"""Lists that come page by page: links are followed as they are, and no page is missing without a word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.reference.behaviour import Json
from conformance.reference.failure import Failure
from conformance.reference.run import Run
from conformance.reference.session import Call

_LOST_LINK = {400, 404, 410}

LinkOf = Callable[[Json, str], str | None]
"""The URL of the page after a page, given that page and its own URL; None after the last one."""


async def pages_of(run: Run, kind: str, call: Call, check: Callable[[Any], None], link_of: LinkOf) -> list[Json]:
    """All pages of a list. When a page link died, the list is begun again, once.

    When pages are missing in the end, the run is told so and gets the pages before the gap.

    Raises:
        Failure: there is no first page.
    """
    for restarts_left in range(run.session.behaviour.restarts, -1, -1):
        pages: list[Json] = []
        try:
            await _follow(run, call, check, link_of, pages)
        except Failure as failure:
            if failure.reason == "lost_link" and restarts_left:
                continue
            if not pages:
                raise
            run.fail(kind, failure)
        return pages
    raise AssertionError("the last round returns or raises")


async def _follow(run: Run, call: Call, check: Callable[[Any], None], link_of: LinkOf, pages: list[Json]) -> None:
    behaviour = run.session.behaviour
    url, seen, held = call.url, {call.url}, 0
    while True:
        try:
            pages.append(await run.get(replace(call, url=url), check))
        except Failure as failure:
            if pages and failure.status in _LOST_LINK:
                failure.reason = "lost_link"
            raise
        held += entries_of(pages[-1])
        link = link_of(pages[-1], url)
        if link is None or not behaviour.goes_on(len(pages)) or behaviour.is_whole(pages[-1], held):
            return
        url = behaviour.next_url(link, url)
        if url in seen and not behaviour.follows_circles:
            raise Failure("invalid_response", "a page links back to an earlier one", reason="cycle")
        seen.add(url)


def entries_of(page: Json) -> int:
    """How many results a page has: matches of a bundle, or entries of the first list of an envelope."""
    if page.get("resourceType") == "Bundle":
        return sum(entry.get("search", {}).get("mode", "match") == "match" for entry in page.get("entry", ()))
    return len(next((one for one in page.values() if isinstance(one, list)), ()))
