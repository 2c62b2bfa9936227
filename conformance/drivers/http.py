"""A service as driver: `POST {url}/{op}` with the message as JSON."""

from __future__ import annotations

from datetime import timedelta

import httpx

from conformance.drivers import DriverFailed, Message, matched


class HttpDriver:
    """Speaks to a driver that is already running; it has no logs that the judge could read by itself."""

    has_logs = False

    def __init__(self, url: str, client: httpx.Client | None = None) -> None:
        self._url = url.rstrip("/")
        self._client = client or httpx.Client()

    def send(self, message: Message, deadline: timedelta) -> Message:
        where = f"{self._url}/{message['op']}"
        try:
            answer = self._client.post(where, json=message, timeout=deadline.total_seconds())
        except httpx.TimeoutException:
            raise DriverFailed("deadline", f"no answer from {where} within {deadline.total_seconds():g} s") from None
        except httpx.HTTPError as error:
            raise DriverFailed("crash", f"{where}: {type(error).__name__}: {error}") from error
        if answer.status_code != 200:
            raise DriverFailed("protocol", f"{where} answered {answer.status_code}, not 200")
        try:
            body = answer.json()
        except ValueError:
            raise DriverFailed("protocol", f"{where} answered with a body that is not JSON") from None
        return matched(message, body)

    def drain(self) -> list[str]:
        return []

    def close(self) -> None:
        self._client.close()
