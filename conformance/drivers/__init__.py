"""How the judge speaks to an integration: the same messages (emr-driver/1) to a callable, a process or a service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

Message = dict[str, Any]


class DriverFailed(Exception):
    """The driver gave no usable answer: `kind` is deadline, crash or protocol."""

    def __init__(self, kind: str, says: str) -> None:
        super().__init__(f"{kind}: {says}")
        self.kind = kind
        self.says = says


class Driver(Protocol):
    """One way to an integration; used by one thread at a time."""

    has_logs: bool

    def send(self, message: Message, deadline: timedelta) -> Message:
        """The answer to `message`, which has `id` and `op`.

        Raises:
            DriverFailed: no answer in time, the integration died, or the answer is none.
        """
        ...

    def drain(self) -> list[str]:
        """The lines that the integration logged since the last call."""
        ...

    def close(self) -> None:
        """Ends the integration; does nothing the second time."""
        ...


Opener = Callable[[Mapping[str, str]], Driver]
"""Opens a driver; a process gets these variables in its environment."""


def matched(message: Message, answer: object) -> Message:
    """`answer`, when it is an object that answers `message`.

    Raises:
        DriverFailed: it is not.
    """
    if not isinstance(answer, dict):
        raise DriverFailed("protocol", f"the answer to `{message['op']}` is not an object: {_short(answer)}")
    if answer.get("id") != message["id"]:
        raise DriverFailed(
            "protocol", f"the answer to `{message['op']}` has id {answer.get('id')!r}, not {message['id']}"
        )
    return answer


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
