"""A filter by patient that no longer filters: a list holds entries of the patient who was asked for before."""

from __future__ import annotations

from simulator.exchange import Exchange, Reply
from simulator.faults.act import Act
from simulator.faults.bodies import page_of
from simulator.faults.fault import Fault, whole
from simulator.selector import client_of, operation_of

_NAMES = ("patient", "subject", "beneficiary")


def _spoil(reply: Reply, act: Act) -> Reply:
    page, whose = page_of(reply), _patient_of(act.x)
    if page is None or whose is None or not page.entries:
        act.say(spared="no list of a patient")
        return reply
    key = (client_of(act.x), operation_of(act.x), type(page).__name__)
    before, foreign = act.memory.get(key, ("", []))
    mine = [page.again(one) for one in page.entries if page.is_match(one)]
    if mine:
        act.memory[key] = (whose, mine[: act.args["count"]])
    if before in ("", whose) or not foreign:
        act.say(spared="nobody was asked for before")
        return reply
    act.say(foreign=[page.id_of(one) for one in foreign])
    page.entries += foreign
    return page.into(reply)


def _patient_of(x: Exchange) -> str | None:
    """The patient whom a search asks for."""
    return next((value.rsplit("/", 1)[-1] for name, value in x.params if name in _NAMES), None)


FAULT = Fault(
    name="foreign_entries",
    says="adds to the list of a patient `count` entries of the one whom the same client asked for before",
    args={"count": whole(1, "how many entries", 1)},
    spoil=_spoil,
)
