"""The path of a request: the same stations in the same order for every vendor, and everything written down.

What goes wrong is decided first, seeded and recorded; then who asks, whether it is too much, and what the answer is.
A refusal is dressed by the vendor. A gap of ours is 501, a crash of ours is 500, and neither counts against anybody.
Faults on the network (a reset, a cut body) act where the bytes leave, on the same plan: see `simulator/server.py`.
"""

from __future__ import annotations

import sys
import time
import traceback

from simulator.auth.withheld import answered
from simulator.exchange import Exchange, Reply, reply
from simulator.journal.redaction import credentials_of, scrubbed
from simulator.refusal import NotSimulated, Refusal


async def handle(x: Exchange) -> Reply:
    """Carry one exchange past every station; gives what is to be sent."""
    plan = x.plan = x.sandbox.faults.decide(x)
    drifted = x.site.drifted
    try:
        if plan.acts_before:
            plan.before()
            drifted = x.site.drifted  # an upgrade may have come with this call
        if drifted is not None:
            drifted.ask(x)
        route = x.route = x.vendor.route(x)
        x.caller = x.vendor.admit(x)
        x.site.limits.count(x)
        if route.prepare is not None:
            await route.prepare(x)
        answer = plan.surround(answered, x) if plan.surrounds else answered(x)
    except Refusal as refusal:
        x.refusal = refusal.detail or refusal.kind
        answer = x.vendor.errors.dress(refusal, x)
    except NotSimulated as gap:
        answer = not_simulated(gap.what)
    except Exception as crash:  # noqa: BLE001 - the one place where our own defects surface
        answer = bug(x, crash)
    answer = x.vendor.finish(answer, x)
    if drifted is not None:
        answer = drifted.answer(answer, x)
    x.reply = plan.spoil(answer, x) if plan.spoils else answer
    if plan.waits:
        await plan.wait(x)
    x.ended = time.monotonic()
    x.sandbox.journal.append(x)
    return x.reply


def not_simulated(what: str) -> Reply:
    """501: this mock does not do that, and says so."""
    answer = reply(501, f"not simulated: {what}\n", "text/plain; charset=utf-8", x_emr_sandbox="not-simulated")
    answer.simulated = False
    return answer


def bug(x: Exchange, crash: BaseException) -> Reply:
    """500: our own defect; the traceback goes to stderr with what repeats it, never to the caller."""
    told = (
        f"emr-sandbox: our own defect at {x.method} {x.raw_path} (vendor {x.vendor.id}, seed {x.sandbox.seed})\n"
        + "".join(traceback.format_exception(crash))
    )
    print(scrubbed(told, credentials_of(x)), file=sys.stderr)
    answer = reply(500, "internal error of the sandbox\n", "text/plain; charset=utf-8", x_emr_sandbox="bug")
    answer.simulated = False
    return answer
