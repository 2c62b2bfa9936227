"""A Python callable as driver: `module:handle`, dict in, dict out, called in a thread of its own.

Log lines are what reaches the root logger from that thread, or from threads that no driver of ours started.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import traceback
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module

from conformance.drivers import DriverFailed, Message, matched
from simulator.refusal import UsageError

_NAME = "emr-driver"
_OURS = ("uvicorn", "simulator", "asyncio", "concurrent")
_numbers = itertools.count(1)


def callable_of(spec: str) -> Callable[[Message], Message]:
    """The callable that `module:name` names.

    Raises:
        UsageError: there is no such module or name, or it cannot be called.
    """
    module_name, colon, name = spec.partition(":")
    if not colon:
        raise UsageError(f'not "module:callable": "{spec}"', 'for example python = "acme.conformance:handle"')
    try:
        found = getattr(import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f'cannot load "{spec}": {error}', "is the integration installed in this environment?"
        ) from error
    if not callable(found):
        raise UsageError(f'"{spec}" cannot be called')
    return found  # type: ignore[no-any-return]


class PythonDriver:
    """Calls the integration in this process."""

    has_logs = True

    def __init__(self, handle: Callable[[Message], Message]) -> None:
        self._handle = handle
        self._name = f"{_NAME}-{next(_numbers)}"
        self._listener = _Listener(self._name)
        logging.getLogger().addHandler(self._listener)

    def send(self, message: Message, deadline: timedelta) -> Message:
        box: queue.Queue[object] = queue.Queue()
        threading.Thread(target=self._call, args=(message, box), name=self._name, daemon=True).start()
        try:
            answer = box.get(timeout=deadline.total_seconds())
        except queue.Empty:
            late = f"no answer to `{message['op']}` within {deadline.total_seconds():g} s"
            raise DriverFailed("deadline", late) from None
        if isinstance(answer, BaseException):
            where = "".join(traceback.format_exception(answer)[-2:]).strip().replace("\n", " ")
            raise DriverFailed("crash", f"`{message['op']}` raised {type(answer).__name__}: {answer} ({where})")
        return matched(message, answer)

    def _call(self, message: Message, box: queue.Queue[object]) -> None:
        try:
            box.put(self._handle(message))
        except BaseException as crash:  # noqa: BLE001 - whatever the integration raises is a fact about it
            box.put(crash)

    def drain(self) -> list[str]:
        return self._listener.drain()

    def close(self) -> None:
        logging.getLogger().removeHandler(self._listener)


class _Listener(logging.Handler):
    """Keeps the lines that one driver's thread logs."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._lines: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        thread = record.threadName or ""
        is_anothers = thread.startswith(_NAME) and thread != self._name
        if not is_anothers and not record.name.startswith(_OURS):
            self._lines.append(self.format(record))

    def drain(self) -> list[str]:
        self.acquire()
        try:
            lines, self._lines = self._lines, []
        finally:
            self.release()
        return lines
