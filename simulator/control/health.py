"""Is it alive, and what has it done: `/health`, and `/metrics` as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Request, Response

from simulator import __version__
from simulator.control.place import ROOT, sandboxes_of
from simulator.sandboxes import Sandboxes

router = APIRouter(tags=["health"])


@router.get(f"{ROOT}/health")
async def health(request: Request) -> dict[str, Any]:
    """Liveness: the server answers."""
    sandboxes = sandboxes_of(request)
    return {"status": "ok", "version": __version__, "sandboxes": len(sandboxes.ids), "vendors": list(sandboxes.rooms)}


@router.get(f"{ROOT}/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Prometheus text."""
    return Response(metrics_text(sandboxes_of(request)), media_type="text/plain; version=0.0.4; charset=utf-8")


def metrics_text(sandboxes: Sandboxes) -> str:
    """The metrics of every sandbox. Written by hand: a few families do not need a library."""
    every = sandboxes.all
    exchanges = [
        (f'{{sandbox="{one.id}",vendor="{vendor}",status="{status}"}}', count)
        for one in every
        for (vendor, status), count in sorted(one.journal.counts.copy().items())
    ]
    hits = [
        (f'{{sandbox="{one.id}",fault="{rule.id}",kind="{rule.kind.name}"}}', rule.hits)
        for one in every
        for rule in one.faults.rules
    ]
    waited = [
        (f'{{sandbox="{one.id}",fault="{rule.id}"}}', rule.waits)
        for one in every
        for rule in one.faults.rules
        if rule.waits.count
    ]
    families = (
        ("emr_sandbox_sandboxes", "gauge", "Sandboxes that exist.", [("", len(every))]),
        ("emr_sandbox_exchanges_total", "counter", "Exchanges by vendor and status.", exchanges),
        ("emr_sandbox_fault_hits_total", "counter", "How often each fault has acted.", hits),
        (
            "emr_sandbox_latency_configured_seconds_total",
            "counter",
            "How long answers were to be held back, by fault.",
            [(labels, round(waits.configured_s, 6)) for labels, waits in waited],
        ),
        (
            "emr_sandbox_latency_achieved_seconds_total",
            "counter",
            "How long they were held back.",
            [(labels, round(waits.achieved_s, 6)) for labels, waits in waited],
        ),
        (
            "emr_sandbox_journal_entries",
            "gauge",
            "Exchanges that the journal holds.",
            [(f'{{sandbox="{one.id}"}}', len(one.journal)) for one in every],
        ),
        (
            "emr_sandbox_journal_dropped_total",
            "counter",
            "Exchanges that fell out of the journal.",
            [(f'{{sandbox="{one.id}"}}', one.journal.dropped) for one in every],
        ),
    )
    return "".join(_family(*family) for family in families)


def _family(name: str, kind: str, says: str, samples: Iterable[tuple[str, float]]) -> str:
    lines = [
        f"# HELP {name} {says}",
        f"# TYPE {name} {kind}",
        *(f"{name}{labels} {value}" for labels, value in samples),
    ]
    return "\n".join(lines) + "\n"
