"""OperationOutcome: issues and the resource that holds them, as plain dicts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

Severity = Literal["fatal", "error", "warning", "information"]


def issue(
    severity: Severity,
    code: str,
    text: str = "",
    *,
    details: dict[str, Any] | str | None = None,
    diagnostics: str = "",
    location: Iterable[str] = (),
    expression: Iterable[str] = (),
) -> dict[str, Any]:
    """One issue. `text` becomes `details.text`; `details` is taken as given (a string where a vendor is that wrong)."""
    made: dict[str, Any] = {"severity": severity, "code": code}
    if details is not None and not isinstance(details, str) and text:
        details = {**details, "text": text}
    if details is not None:
        made["details"] = details
    elif text:
        made["details"] = {"text": text}
    if diagnostics:
        made["diagnostics"] = diagnostics
    if places := list(location):
        made["location"] = places
    if paths := list(expression):
        made["expression"] = paths
    return made


def outcome(issues: Iterable[dict[str, Any]], id: str | None = None) -> dict[str, Any]:
    """An OperationOutcome of `issues`, in this order."""
    made: dict[str, Any] = {"resourceType": "OperationOutcome"}
    if id:
        made["id"] = id
    made["issue"] = list(issues)
    return made
