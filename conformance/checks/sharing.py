"""One token for many workers: what they do when it runs out under all of them."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.check import Mark, check, exercised, fail, many, untested
from conformance.evidence import Case, Evidence, Exchange
from simulator.source import Source

_LOAD = "s04-expiry-under-load"
_FAIR = 2  # logins for one expiry


@check(
    "AUTH-09",
    area="auth",
    severity="medium",
    level=2,
    scenarios=(_LOAD,),
    source=(
        Source("https://github.com/drajer-health/eCRNow/issues/1060", "seen"),
        Source("https://github.com/neondatabase/mcp-server-neon/pull/231", "seen"),
    ),
    mutants=("herd_refresh",),
    needs="read",
)
def one_expiry_is_one_login(e: Evidence) -> Iterator[Mark]:
    """one expiry leads to one login, not to a herd

    Holds when a token that runs out while several requests are under way is replaced by at most two logins, whoever
    meets the refusal, and nothing is missing or reported as an auth error in the end.

    Twenty workers that each log in are twenty logins a minute at an endpoint that allows one.
    """
    for case in e.of(_LOAD):
        jumps = [x for x in case.exchanges if x.fault == "clock_advance"]
        for place, jump in enumerate(jumps):
            until = jumps[place + 1].start if place + 1 < len(jumps) else float("inf")
            since = [x for x in case.after(jump) if x.start < until]
            refused = [x for x in since if x.is_data and x.status == 401]
            logins = [x for x in since if x.is_token]
            yield from _herd(refused, logins)
            if len(refused) > 1 and logins:
                says = f"{len(refused)} requests met a dead token, {many(len(logins), 'login')} came of it"
                yield exercised(says, [*refused[:2], *logins[:1]])
        if jumps:
            yield from _failed(case)
    yield untested("no token ran out under several requests at once")


def _herd(refused: list[Exchange], logins: list[Exchange]) -> Iterator[Mark]:
    if len(logins) > _FAIR:
        yield fail(
            "herd",
            f"{many(len(refused), 'request')} met a dead token, and {len(logins)} logins came of it",
            at=[*refused[:2], *logins[:2]],
            expected=f"at most {_FAIR}",
            got=str(len(logins)),
            fix="let one renew the token and the others wait for it",
        )


def _failed(case: Case) -> Iterator[Mark]:
    for call in case.runs:
        lost = case.missing(call)
        if lost or "auth" in call.classes:
            yield fail(
                "worker_failed",
                f"{many(len(lost), 'record')} missing after the token ran out under several requests",
                at=[x for x in case.during(call) if x.status == 401][:2],
                case=case.id,
                expected="everything, with the new token",
                got=f"status {call.status}, errors {', '.join(sorted(call.classes)) or 'none'}",
            )
            return
