"""A process as driver: one JSON object a line over stdin and stdout; stderr is its log and never decides."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO

from conformance.drivers import DriverFailed, Message, matched
from simulator.refusal import UsageError

_GOODBYE_S = 5.0


class StdioDriver:
    """Starts the command at the first message and again after it died, so that one crash costs one case."""

    has_logs = True

    def __init__(
        self, command: Sequence[str], *, folder: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = list(command)
        self._folder = folder
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str | None] = queue.Queue()
        self._log: list[str] = []
        self._lock = threading.Lock()

    def send(self, message: Message, deadline: timedelta) -> Message:
        process = self._running()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(message, ensure_ascii=False) + "\n")
            process.stdin.flush()
        except OSError:
            raise self._died(message) from None
        while True:
            try:
                line = self._answers.get(timeout=deadline.total_seconds())
            except queue.Empty:
                self._kill()
                raise DriverFailed(
                    "deadline", f"no answer to `{message['op']}` within {deadline.total_seconds():g} s"
                ) from None
            if line is None:
                raise self._died(message)
            if line.strip():
                return matched(message, _parsed(line, message))

    def _running(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        try:
            process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                encoding="utf-8", errors="replace", cwd=self._folder, env={**os.environ, **self._environment},
            )  # fmt: skip
        except OSError as error:
            raise UsageError(f"cannot start the driver: {error}", f"command: {self._command}") from error
        self._process = process
        self._answers = queue.Queue()
        assert process.stdout is not None
        assert process.stderr is not None
        threading.Thread(target=_pump, args=(process.stdout, self._answers), daemon=True).start()
        threading.Thread(target=self._listen, args=(process.stderr,), daemon=True).start()
        return process

    def _listen(self, stream: IO[str]) -> None:
        for line in stream:
            with self._lock:
                self._log.append(line.rstrip("\n"))

    def _died(self, message: Message) -> DriverFailed:
        code = None
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                code = self._process.wait(timeout=1)
        self._kill()
        with self._lock:
            last = next((line.strip(" |") for line in reversed(self._log) if any(map(str.isalpha, line))), "")
        return DriverFailed(
            "crash", f"the driver ended with exit code {code} at `{message['op']}`; stderr: {last or 'empty'}"
        )

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def drain(self) -> list[str]:
        with self._lock:
            lines, self._log = self._log, []
        return lines

    def close(self) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None and process.stdin is not None:
            with suppress(OSError):
                process.stdin.write('{"id":0,"op":"bye"}\n')
                process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=_GOODBYE_S)
        self._kill()


def _pump(stream: IO[str], answers: queue.Queue[str | None]) -> None:
    with suppress(ValueError, OSError):  # closed while it waited
        for line in stream:
            answers.put(line)
    answers.put(None)


def _parsed(line: str, message: Message) -> object:
    try:
        return json.loads(line)
    except ValueError:
        shown = line.strip()[:80]
        raise DriverFailed(
            "protocol",
            f"stdout holds a line that is not JSON after `{message['op']}`: {shown!r}; logs belong on stderr",
        ) from None
