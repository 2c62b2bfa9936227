"""The habits at Rave's doors that integrations stumble over."""

from __future__ import annotations

from simulator.source import Mark, Trap
from simulator.vendors.medidata.sources import source


def _trap(number: str, says: str, mark: Mark, *keys: str, but: str = "") -> Trap:
    return Trap(f"medidata-{number}", says, source(mark, *keys, but=but))


TRAPS: tuple[Trap, ...] = (
    _trap("01", "an account locks after three bad logins, and only a person unlocks it", "seen", "CURE",
          but="that a tenant locks after three is the setting `lock_after`"),
    _trap("02", "a wrong password is ODM to a read and a `<Response>` to a post", "seen", "RWSLIB", "CODER"),
    _trap("03", "without credentials the answer is a bare sentence", "seen", "RWSLIB"),
    _trap("04", "version, build, code name and diagnostics need no login: they prove no password", "seen", "RWSLIB"),
    _trap("05", "a signature is good for five minutes, and for one method, path and body", "seen", "MAUTH"),
)  # fmt: skip
