"""What can go wrong between the integration and a vendor, in the words of emr-driver/1."""

from __future__ import annotations

from typing import Any, Literal, get_args

ErrorClass = Literal[
    "auth",
    "forbidden",
    "not_found",
    "throttled",
    "unavailable",
    "timeout",
    "invalid_response",
    "conflict",
    "rejected",
    "config",
    "internal",
]
ERROR_CLASSES: tuple[ErrorClass, ...] = get_args(ErrorClass)
_MAY_PASS = {"throttled", "unavailable", "timeout", "invalid_response"}


class Failure(Exception):
    """One operation failed.

    `message` is a sentence of ours: never a name, a URL or a body of the vendor. `reason` is a slug that tells failures
    of one class apart. `transient` says that the same call may succeed in a moment; `retry_after_s` how long the vendor
    asks to wait, `dated` that it said so as a date; `moved_to` is the id at the end of a redirect.
    """

    def __init__(
        self,
        error_class: ErrorClass,
        message: str,
        *,
        reason: str = "",
        status: int | None = None,
        vendor_code: str | None = None,
        request_id: str | None = None,
        transient: bool = False,
        retry_after_s: float | None = None,
        dated: bool = False,
        moved_to: str | None = None,
    ) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.message = message
        self.reason = reason
        self.status = status
        self.vendor_code = vendor_code
        self.request_id = request_id
        self.transient = transient
        self.retry_after_s = retry_after_s
        self.dated = dated
        self.moved_to = moved_to

    def report(self, vendor: str, action: str, kind: str | None) -> dict[str, Any]:
        """The failure as an entry of `errors`; `retryable` means: a later run may succeed without anybody's help."""
        entry = {
            "class": self.error_class,
            "retryable": self.error_class in _MAY_PASS,
            "vendor": vendor,
            "action": action,
            "kind": kind,
            "http_status": self.status,
            "vendor_code": self.vendor_code,
            "vendor_request_id": self.request_id,
            "message": self.message,
        }
        return {key: value for key, value in entry.items() if value is not None}
