"""The vendor answers with an error status, in its own words, or with what a proxy before it would send."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from simulator.exchange import Headers, Reply
from simulator.faults.act import Act
from simulator.faults.bodies import without
from simulator.faults.fault import Arg, Fault
from simulator.refusal import Refusal, RefusalKind

_KINDS: dict[int, RefusalKind] = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "unsupported",
    406: "unsupported",
    409: "conflict",
    410: "gone",
    412: "conflict",
    415: "unsupported",
    422: "unprocessable",
    429: "too_many",
    502: "unavailable",
    503: "unavailable",
    504: "unavailable",
}
_PROXY_PAGE = (
    "<html>\r\n<head><title>{status} {words}</title></head>\r\n<body>\r\n<center><h1>{status} {words}</h1></center>\r\n"
    "<hr><center>gateway</center>\r\n</body>\r\n</html>\r\n"
)
_WORDS = {429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
          504: "Gateway Timeout"}  # fmt: skip


def kind_of(status: int) -> RefusalKind:
    """The neutral refusal that stands behind an HTTP status."""
    return _KINDS.get(status, "broken" if status >= 500 else "malformed")


def _refuses(act: Act) -> Refusal:
    args = act.args
    status = args["status"]
    facts: dict[str, Any] = {"status": status, "reason": args["reason"] or "fault"}
    if args["retry_after_s"] is not None:
        facts["retry_after_s"] = args["retry_after_s"]
    return Refusal(kind_of(status), f"fault: status {status}", **facts)


def _spoil(reply: Reply, act: Act) -> Reply:
    args = act.args
    headers: Headers = list(reply.headers)
    body = reply.body
    if args["body"] == "empty":
        headers, body = without(headers, b"content-type"), b""
    elif args["body"] == "html":
        words = _WORDS.get(args["status"], "Error")
        headers = [*without(headers, b"content-type"), (b"content-type", b"text/html")]
        body = _PROXY_PAGE.format(status=args["status"], words=words).encode()
    elif args["body"] == "given":
        headers = [*without(headers, b"content-type"), (b"content-type", args["media"].encode("latin-1"))]
        body = args["text"].encode()
    wait = args["retry_after_s"]
    if wait is not None:
        headers = [*without(headers, b"retry-after"), (b"retry-after", _retry_after(wait, act))]
    return Reply(args["status"], body, headers)


def _retry_after(wait_s: float, act: Act) -> bytes:
    if act.args["retry_after_form"] == "date":
        return format_datetime(act.x.sandbox.clock.wall() + timedelta(seconds=wait_s), usegmt=True).encode()
    return str(int(wait_s)).encode()


FAULT = Fault(
    name="status",
    says="answers with `status` instead of handling the call, in the vendor's own words unless `body` says otherwise",
    args={
        "status": Arg(int, ..., "an HTTP status, 200 to 599", at_least=200, at_most=599),
        "retry_after_s": Arg(
            (int, type(None)), None, "seconds in Retry-After, 0 or more; null: as the vendor does", at_least=0
        ),
        "retry_after_form": Arg(str, "seconds", "which form Retry-After has", one_of=("seconds", "date")),
        "body": Arg(str, "vendor", "whose words the body has", one_of=("vendor", "given", "empty", "html")),
        "text": Arg(str, "", "the body, when `body` is `given`"),
        "media": Arg(str, "application/json", "its media type, when `body` is `given`"),
        "reason": Arg(str, "", "the refusal's reason, for vendors that word several"),
    },
    refuses=_refuses,
    spoil=_spoil,
)
