"""One exchange as people and scripts read it: the contract's `exchange` shape, secrets only as fingerprints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from simulator.exchange import Exchange
from simulator.journal.access import access_of
from simulator.journal.journal import number_of
from simulator.journal.redaction import (
    BODY_LIMIT,
    body_text,
    credentials_of,
    is_search,
    redacted_headers,
    redacted_pairs,
    without_secrets,
)
from simulator.selector import client_of


def entry_of(x: Exchange, body_limit: int | None = BODY_LIMIT) -> dict[str, Any]:
    """The journal entry of one exchange, ready for JSON.

    Bodies are text up to `body_limit` bytes each (None: whole); `request_size` and `response_size` are the true sizes.
    `status` is null when nothing of the answer was sent. `duration_ms` is real time inside the pipeline, `t_s` seconds
    of sandbox time since the sandbox began.
    """
    entry = _entry(x, body_limit)
    shown: dict[str, Any] = without_secrets(entry, credentials_of(x))
    shown["served"] = [list(pair) for pair in x.reply.served] if x.reply is not None else []
    return shown


def _entry(x: Exchange, body_limit: int | None) -> dict[str, Any]:
    answer = x.reply
    searches = is_search(x)
    sent = x.notes.get("wire_sent", "all")
    done = x.plan.done if x.plan is not None else ()
    return {
        "id": x.id,
        "seq": number_of(x.id),
        "at": instant(x.at),
        "t_s": round((x.at - x.sandbox.started_at).total_seconds(), 6),
        "direction": x.direction,
        "vendor": x.vendor.id,
        "client": client_of(x) or None,
        "operation": x.route.name if x.route is not None else None,
        "method": x.notes.get("method", x.method),
        "path": x.path,
        "query": redacted_pairs(x.query, searches=searches),
        "raw_path": x.raw_path,
        "status": answer.status if answer is not None and sent != "nothing" else None,
        "duration_ms": round((x.ended - x.started) * 1000, 3) if x.ended else None,
        "fault": done[0] if done else None,
        "faults": list(done),
        "simulated": answer.simulated if answer is not None else True,
        "refusal": x.refusal or None,
        "request_headers": redacted_headers(x.headers),
        "request_body": body_text(x.body, x.header("content-type") or "", body_limit, searches=searches),
        "request_size": len(x.body),
        "response_headers": redacted_headers(answer.headers) if answer is not None else [],
        "response_body": body_text(answer.body, answer.header("content-type") or "", body_limit) if answer else "",
        "response_size": len(answer.body) if answer is not None else 0,
        "bytes_sent": x.bytes_sent,
        "complete": x.complete,
        "connection": x.connection,
        "tls": x.peer.to_json() if x.peer is not None else None,
        "token_id": x.caller.token_id if x.caller is not None else None,
        "scope_needed": list(x.route.needs) if x.route is not None and x.route.needs else None,
        **access_of(x).to_json(),
        "notes": _plain(x.notes),
    }


def instant(at: datetime) -> str:
    """An instant as the control API writes it: UTC, milliseconds, `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    """`value` with everything that JSON does not know turned into text."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return instant(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
