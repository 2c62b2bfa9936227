"""The pulse of this host: how late it wakes a sleeper. On a slow one timing checks are more patient, and say so."""

from __future__ import annotations

import threading
import time


class Pulse:
    """Measures while its `with` block runs."""

    _REST_S = 0.02

    def __init__(self) -> None:
        self._late: list[float] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        while True:
            before = time.monotonic()
            if self._done.wait(self._REST_S):
                return
            self._late.append(time.monotonic() - before - self._REST_S)

    @property
    def p99_ms(self) -> float:
        late = sorted(self._late)
        return late[int(len(late) * 0.99)] * 1000 if late else 0.0
