"""A client that looks at bytes: one keep-alive connection, and every byte of what came and how it ended."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

WAIT_S = 5.0


@dataclass
class Seen:
    """What came back: `status` 0 when nothing came. `end` is kept, closed, reset, malformed (no chunk), or silent when
    nothing came in time.

    `body` are the bytes of the body as they were framed: chunked bodies without their frames; `whole` whether the
    framing was fulfilled, `spelt` the headers as they were written. Times are seconds since the request was sent.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False
    end: str = "kept"
    head_s: float = 0.0
    last_s: float = 0.0
    pieces: int = 0
    spelt: str = ""


class Line:
    """One keep-alive connection; opened anew when the server has ended it."""

    def __init__(self, host: str, port: int, headers: dict[str, str]) -> None:
        self._to = (host, port)
        self._headers = headers
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.opened = 0

    async def ask(self, path: str, method: str = "GET", body: bytes = b"", wait_s: float = WAIT_S) -> Seen:
        """One request and everything that came of it."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._to)
            self.opened += 1
        reader, writer = self._streams
        head = [f"{method} {path} HTTP/1.1", f"host: {self._to[0]}:{self._to[1]}", f"content-length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in self._headers.items()]
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        seen, began = Seen(), time.monotonic()
        try:
            async with asyncio.timeout(wait_s):
                await self._read(reader, seen, began)
        except TimeoutError:
            seen.end = "silent"
        except ConnectionResetError:
            seen.end = "reset"
        except ValueError:
            seen.end = "malformed"
        except asyncio.IncompleteReadError as cut:
            seen.body += cut.partial if seen.status else b""
            seen.end = "closed"
        if seen.end != "kept" or seen.headers.get("connection") == "close":
            self.close()
        return seen

    async def _read(self, reader: asyncio.StreamReader, seen: Seen, began: float) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        seen.head_s = time.monotonic() - began
        seen.status = int(head[0].split(" ")[1])
        seen.spelt = "\n".join(head[1:])
        seen.headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        if "content-length" in seen.headers:
            left = int(seen.headers["content-length"])
            while left:
                piece = await reader.read(left)
                if not piece:
                    raise asyncio.IncompleteReadError(b"", left)
                self._note(seen, piece, began)
                left -= len(piece)
        elif seen.headers.get("transfer-encoding") == "chunked":
            while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
                self._note(seen, (await reader.readexactly(size + 2))[:-2], began)
            await reader.readexactly(2)
        seen.whole = True

    @staticmethod
    def _note(seen: Seen, piece: bytes, began: float) -> None:
        seen.body += piece
        seen.pieces += 1
        seen.last_s = time.monotonic() - began

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
