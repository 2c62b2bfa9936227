"""Errors of the control API and of the front door: RFC 9457 problem documents."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from simulator.refusal import UsageError

MEDIA = "application/problem+json"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "known": {"type": "array", "items": {"type": "string"}},
        "hint": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}


class Problem(Exception):
    """A control call that cannot be done: status, one line, further members of the document."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.more = more


def problem(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """A problem document; `detail` is one line that says what was given and what is accepted."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}


def problem_bytes(status: int, detail: str, **more: Any) -> bytes:
    """A problem document as JSON."""
    return orjson.dumps(problem(status, detail, **more))


def problem_response(status: int, detail: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """A problem document as an answer."""
    return Response(problem_bytes(status, detail, **more), status, headers, MEDIA)


def speak_problems(app: FastAPI) -> None:
    """Have every error of `app` answered by a problem document."""

    async def on_problem(request: Request, flaw: Exception) -> Response:
        assert isinstance(flaw, Problem)
        headers = {"X-EMR-Sandbox": "not-simulated"} if flaw.status == 501 else None
        return problem_response(flaw.status, flaw.detail, headers, **flaw.more)

    async def on_usage(request: Request, flaw: Exception) -> Response:
        assert isinstance(flaw, UsageError)
        more: dict[str, Any] = {"hint": flaw.hint} if flaw.hint else {}
        return problem_response(422, flaw.message, None, **more)

    async def on_validation(request: Request, flaw: Exception) -> Response:
        assert isinstance(flaw, RequestValidationError)
        errors = [{"at": ".".join(map(str, one["loc"])), "says": one["msg"]} for one in flaw.errors()]
        return problem_response(422, "; ".join(f"{one['at']}: {one['says']}" for one in errors), errors=errors)

    async def on_http(request: Request, flaw: Exception) -> Response:
        assert isinstance(flaw, HTTPException)
        said = f"{request.method} {request.url.path}: {flaw.detail}; the calls are listed at /_sandbox/openapi.json"
        return problem_response(flaw.status_code, said, dict(flaw.headers or {}))

    async def on_crash(request: Request, flaw: Exception) -> Response:
        # Raised again after this answer: the server tells the operator.
        said = "internal error of the sandbox; its traceback is on stderr"
        return problem_response(500, said, {"X-EMR-Sandbox": "bug"})

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(Exception, on_crash)
    app.add_exception_handler(UsageError, on_usage)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
