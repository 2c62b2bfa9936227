"""The ways in which a request is turned down, and the three other families of errors.

A `Refusal` is neutral: it says what is wrong, never how a vendor words it. The vendor's `errors.py` dresses it at the
edge with that vendor's status, headers and body. HTTP statuses do not appear below the rooms.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

RefusalKind = Literal[
    "unauthenticated",
    "forbidden",
    "not_found",
    "gone",
    "malformed",
    "unprocessable",
    "unsupported",
    "conflict",
    "too_many",
    "unavailable",
    "broken",
]
REFUSAL_KINDS: tuple[RefusalKind, ...] = get_args(RefusalKind)


class Refusal(Exception):
    """The caller of a mock asked for something that the vendor turns down.

    `kind` is one of `REFUSAL_KINDS`; `detail` is a sentence for the journal (never sent to the caller as it stands);
    `facts` are what a vendor needs to word it: `reason` (a slug such as "token_expired"), `resource`, `id`,
    `parameter`, `retry_after_s`, …
    """

    def __init__(self, kind: RefusalKind, detail: str = "", **facts: Any) -> None:
        super().__init__(detail or kind)
        self.kind = kind
        self.detail = detail
        self.facts = facts

    @property
    def reason(self) -> str:
        """The slug that tells refusals of one kind apart; empty when there is nothing to tell."""
        return str(self.facts.get("reason", ""))


class OAuthRefusal(Refusal):
    """A refusal of a token or authorization endpoint: `error` is the RFC 6749 code, `reason` the exact rule broken."""

    def __init__(self, error: str, reason: str, detail: str = "", **facts: Any) -> None:
        kind: RefusalKind = "unauthenticated" if error == "invalid_client" else "malformed"
        super().__init__(kind, detail or f"{error}: {reason}", reason=reason, **facts)
        self.error = error


class NotSimulated(Exception):
    """Our gap, not the caller's mistake: answered 501 with `X-EMR-Sandbox: not-simulated`."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class UsageError(Exception):
    """The user of our tools erred: one line with value, place and way out; exit code 4."""

    exit_code = 4

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
