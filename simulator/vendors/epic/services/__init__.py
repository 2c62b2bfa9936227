"""Epic's own web services, below `/api/epic/{year}/`: what an integration calls beside FHIR.

One call is one command: members in PascalCase, ids in pairs (`PatientID`, `PatientIDType`), days as `M/D/YYYY`, times
on the clock of the clinic. Whatever a command turns down is 400 with a sentence of which the business code must be cut
out by text. What a caller may see is what its scopes let it see through FHIR.

What is called "Clinical Integration" here are the clinical commands (problems, medications, results, flowsheets,
notes); "Procedure Order" are the commands of `orders`. Neither is a term of Epic's that could be traced.

Source: SOURCES.md, "Web services" (WSIDX; COBALT, TREWS, PENNS, RONIN: paths and members in client code).
"""

from __future__ import annotations

from simulator.exchange import Exchange, Reply, Route
from simulator.refusal import Refusal
from simulator.vendors.epic import paths
from simulator.vendors.epic.services import clinical, flowsheets, notes, orders, patients, scheduling
from simulator.vendors.epic.services.command import Command, Service

SERVICES: tuple[Service, ...] = (
    *patients.SERVICES,
    *scheduling.SERVICES,
    *clinical.SERVICES,
    *flowsheets.SERVICES,
    *notes.SERVICES,
    *orders.SERVICES,
)
_ROOT = paths.ROOT + "/api/epic/"
_BY_PATH = {service.path.lower(): service for service in SERVICES}


def route(x: Exchange, path: str) -> Route | None:
    """The door of a command, or None when the path is another. The case of letters does not matter (guess).

    Raises:
        Refusal: unsupported: nobody listens to the method there.
    """
    if not path.startswith(_ROOT):
        return None
    year, _, rest = path[len(_ROOT) :].partition("/")
    service = _BY_PATH.get(rest.lower())
    if service is None or year not in service.years:
        return None
    if x.method not in service.methods:
        raise Refusal("unsupported", f"{x.method} on {service.name}", reason="no_such_method")
    return Route(f"service.{service.name}", answer, (rest.lower(),), service.needs)


def answer(x: Exchange) -> Reply:
    """What the command answers.

    Raises:
        Refusal: malformed with reason command_failed and the business code; forbidden for a patient's token, which
            hears masked names and has no way here.
    """
    assert x.route is not None
    if x.caller is not None and x.caller.persona == "patient":
        raise Refusal("forbidden", "web services are not for patients", reason="insufficient_scope")
    service = _BY_PATH[x.route.args[0]]
    return service.answer(Command(x))
