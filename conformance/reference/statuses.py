"""What a status means: the failure behind an answer that is not 2xx, and how long the vendor asks to wait."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from conformance.reference.failure import ErrorClass, Failure

_CLASS_OF_STATUS: dict[int, ErrorClass] = {
    400: "rejected",
    401: "auth",
    403: "forbidden",
    404: "not_found",
    406: "rejected",
    409: "conflict",
    410: "not_found",
    412: "conflict",
    422: "rejected",
    429: "throttled",
}
_TRANSIENT = {429, 502, 503, 504}


def refusal_of(response: httpx.Response, content: bytes) -> Failure:
    """The failure behind a status that is not 2xx; 3xx too, for we send credentials nowhere else."""
    status = response.status_code
    text = content[:4000].decode("utf-8", "replace")
    error_class = _CLASS_OF_STATUS.get(status, "unavailable" if status >= 500 else "invalid_response")
    transient = status in _TRANSIENT
    reason = f"status_{status}"
    mashery = response.headers.get("X-Mashery-Error-Code", "")
    if status == 403 and "_OVER_" in mashery:
        # athena's gateway says 403 where others say 429; the QPS limit passes in a moment, the daily quota does not.
        error_class, transient, reason = "throttled", "QPS" in mashery, "over_qps" if "QPS" in mashery else "over_quota"
    elif status == 403 and "insufficient" in response.headers.get("WWW-Authenticate", "") + text:
        reason = "insufficient_scope"
    elif status == 401 and "Incorrect permissions" in text:
        error_class, reason = "forbidden", "practice_not_granted"
    wait_s, dated = _retry_after(response) if transient else (None, False)
    return Failure(
        error_class,
        f"the vendor answered {status}",
        reason=reason,
        status=status,
        vendor_code=_vendor_code(text),
        request_id=response.headers.get("X-Request-Id") or response.headers.get("opc-request-id"),
        transient=transient,
        retry_after_s=wait_s,
        dated=dated,
        moved_to=response.headers.get("Location", "").rpartition("/")[2] or None,
    )


def _retry_after(response: httpx.Response) -> tuple[float | None, bool]:
    """Seconds to wait and whether a date said so. A date is compared with the vendor's own clock where it tells it."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value), False
    try:
        until = parsedate_to_datetime(value)
        now = parsedate_to_datetime(response.headers["Date"]) if "Date" in response.headers else datetime.now(UTC)
        return max(0.0, (until - now).total_seconds()), True
    except (ValueError, TypeError):
        return None, False


def _vendor_code(text: str) -> str | None:
    """The vendor's own code for an error: of the first grave issue of an OperationOutcome, or of an OAuth error."""
    try:
        body = json.loads(text)
        issues = [issue for issue in body.get("issue", []) if issue.get("severity") in ("fatal", "error")]
        for issue in issues or body.get("issue", []):
            details = issue.get("details")
            codings = details.get("coding", []) if isinstance(details, dict) else []
            return str(codings[0]["code"] if codings else issue["code"])
        return body["error"] if isinstance(body.get("error"), str) and " " not in body["error"] else None
    except (ValueError, LookupError, AttributeError, TypeError):
        return None
