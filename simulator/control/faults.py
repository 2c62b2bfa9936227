"""Faults: what goes wrong in a sandbox, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, Field

from simulator.actions import check_door
from simulator.control.place import ONE, sandbox_of, site_of
from simulator.control.problem import Problem

router = APIRouter(tags=["faults"])
_EXAMPLE = {
    "when": {"vendor": "cerner", "path": "/Observation*"},
    "fault": "status",
    "args": {"status": 503, "retry_after_s": 2},
    "share": 1.0,
    "window": {"from_s": 0, "for_s": 30},
    "budget": None,
}


class Recorded(BaseModel):
    """What `GET …/journal` answered; members that a replay does not need may be left out."""

    exchanges: list[dict[str, Any]] = Field(description="each with vendor, method, path and faults")


@router.get(f"{ONE}/faults")
async def faults(request: Request, id: str) -> dict[str, Any]:
    """Every rule and outage, with how often it matched and acted, and how true its latencies were."""
    book = sandbox_of(request, id).faults
    told: dict[str, Any] = {"faults": book.to_json()}
    return told if book.script is None else told | {"replay": book.script.to_json()}


@router.post(f"{ONE}/faults", status_code=201)
async def add(request: Request, id: str, fault: Annotated[dict[str, Any], Body(examples=[_EXAMPLE])]) -> dict[str, Any]:
    """Add a rule, or an outage, which is several; `emr-sandbox faults` lists both kinds and their arguments."""
    found = sandbox_of(request, id)
    for vendor in _vendors_in(fault.get("when")):
        site_of(found, vendor, status=422)  # a rule for a vendor that is not there would wait for ever
    check_door(found, fault)
    return found.faults.add(fault).to_json()


def _vendors_in(when: Any) -> Iterator[str]:
    """Every vendor that a selector's JSON form asks for, at any depth; what is no selector is left to the book."""
    if isinstance(when, list):
        for one in when:
            yield from _vendors_in(one)
    elif isinstance(when, Mapping):
        asked = when.get("vendor")
        yield from (one for one in (asked if isinstance(asked, list) else [asked]) if isinstance(one, str))
        for word in ("all", "any", "not"):
            yield from _vendors_in(when.get(word))


@router.post(f"{ONE}/faults/replay", status_code=201)
async def replay(request: Request, id: str, recorded: Recorded) -> dict[str, Any]:
    """Do to the calls from now on what a journal says was done to the same calls then."""
    return sandbox_of(request, id).faults.replay(recorded.exchanges).to_json()


@router.delete(f"{ONE}/faults", status_code=204)
async def clear(request: Request, id: str) -> None:
    """Take every rule away."""
    sandbox_of(request, id).faults.clear()


@router.delete(f"{ONE}/faults/{{fault}}", status_code=204)
async def remove(request: Request, id: str, fault: str) -> None:
    """Take one rule away."""
    book = sandbox_of(request, id).faults
    if not book.remove(fault):
        raise Problem(404, f'unknown fault "{fault}"', known=[rule["id"] for rule in book.to_json()])
