"""Clients: per vendor and auth method what an integration needs to get in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from simulator.control.place import ONE, root_url, sandbox_of, vendor_urls
from simulator.sandbox import Sandbox

router = APIRouter(tags=["clients"])


@router.get(f"{ONE}/clients")
async def clients(request: Request, id: str) -> dict[str, Any]:
    """The ready-made clients, with secrets and private keys; deterministic from the seed."""
    found = sandbox_of(request, id)
    return clients_of(found, vendor_urls(found, root_url(request)))


def clients_of(sandbox: Sandbox, urls: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The contract's `clients` shape."""
    return {
        id: [client.as_dict(urls[id].get("token_url", "")) for client in site.clients.values()]
        for id, site in sandbox.sites.items()
    }
