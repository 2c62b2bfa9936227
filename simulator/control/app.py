"""The control API `/_sandbox` as one app: one router a noun, every error a problem document."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from simulator import __version__
from simulator.control import (
    audit,
    changes,
    clients,
    clock,
    doors,
    drift,
    ehr,
    faults,
    health,
    journal,
    keys,
    launches,
    limits,
    origin,
    protection,
    rules,
    sandboxes,
    scenario,
    switches,
    tls,
    truth,
    vendors,
)
from simulator.control.access import App, guarded
from simulator.control.place import ROOT, known_parameters_only
from simulator.control.problem import MEDIA, SCHEMA, speak_problems
from simulator.sandboxes import Sandboxes
from simulator.settings import Settings
from simulator.tls.doors import Doors
from simulator.tls.listeners import Listeners

_NOUNS = (
    health,
    sandboxes,
    clients,
    clock,
    faults,
    limits,
    scenario,
    journal,
    truth,
    changes,
    vendors,
    keys,
    launches,
    ehr,
    tls,
    origin,
    audit,
    protection,
    rules,
    drift,
    doors,
    switches,
)


def control_app(settings: Settings, everything: Sandboxes, listeners: Listeners, own_doors: Doors) -> App:
    """The ASGI app of `/_sandbox`, behind its door."""
    return guarded(control_api(settings, everything, listeners, own_doors), settings)


def control_api(settings: Settings, everything: Sandboxes, listeners: Listeners, own_doors: Doors) -> FastAPI:
    """The control API itself, without the door."""
    app = FastAPI(
        title="emr-sandbox control API",
        version=__version__,
        description="Sandboxes, clients, clock, faults, limits, journal and truth of a running emr-sandbox server.",
        openapi_url=f"{ROOT}/openapi.json",
        docs_url=f"{ROOT}/docs",
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(known_parameters_only)],
        responses={"4XX": {"description": "a problem document", "content": {MEDIA: {"schema": SCHEMA}}}},
    )
    app.state.settings = settings
    app.state.sandboxes = everything
    app.state.listeners = listeners
    app.state.doors = own_doors
    speak_problems(app)
    for noun in _NOUNS:
        app.include_router(noun.router)
    return app
