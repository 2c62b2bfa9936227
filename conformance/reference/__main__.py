"""The stdio form of emr-driver/1: one JSON object a line in, one out; stdout is the protocol, stderr the log."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
from contextlib import suppress

from conformance.reference import log
from conformance.reference.driver import Driver


async def serve() -> None:
    """Answers until `bye`, the end of stdin or SIGTERM; works on all messages at once, answers when ready."""
    driver = Driver()
    lines: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)  # type: ignore[union-attr]

    def feed() -> None:
        with suppress(RuntimeError):  # told to stop: the loop is closed when stdin ends
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, "")

    threading.Thread(target=feed, daemon=True).start()

    async def answer(message: dict[str, object]) -> None:
        print(json.dumps(await driver.answer(message)), flush=True)

    async with asyncio.TaskGroup() as group:
        while line := await lines.get():
            message = json.loads(line)
            if message.get("op") == "bye":
                break
            group.create_task(answer(message))
    await driver.answer({"op": "reset"})


if __name__ == "__main__":
    log.to_stderr()
    with suppress(asyncio.CancelledError):
        asyncio.run(serve())
