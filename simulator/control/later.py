"""Calls that the contract reserves and that are not simulated yet: 501, in words."""

from __future__ import annotations

from typing import NoReturn

from fastapi import APIRouter, Request

from simulator.control.place import ONE, sandbox_of, site_of
from simulator.control.problem import Problem

router = APIRouter(tags=["later"])


@router.post(f"{ONE}/vendors/{{vendor}}/upgrade", status_code=501)
async def upgrade(request: Request, id: str, vendor: str) -> None:
    """A vendor's API drifts to a later day. Not simulated yet."""
    site_of(sandbox_of(request, id), vendor)
    _not_yet("upgrade of a vendor's API")


def _not_yet(what: str) -> NoReturn:
    raise Problem(501, f"not simulated: {what}")
