"""The doors. Token endpoints, discovery, login defaults and who the patient is answer; the rest is not simulated.

Source: SOURCES.md, "Doors" (SDK, BITFOUNT: paths; EVANG: FHIR; NGODOC: messages).
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.exchange import Exchange, Reply, Route
from simulator.refusal import NotSimulated, Refusal
from simulator.vendors.nextgen import auth, fhir, paths, practices, session, smart
from simulator.vendors.nextgen.words import answer

Answer = Callable[[Exchange], Reply]
BODY_VERSION = "6.0.0.209"  # what the body says of itself; the header of every answer says another (seen)

_FAMILIES = frozenset({
    "appointments", "audit", "ccda-requests", "document-batches", "favorites", "financial", "master", "persons",
    "providers", "resources", "users",
})  # fmt: skip
"""The families of routes that the proprietary API has."""
FHIR_TYPES = frozenset({
    "AllergyIntolerance", "CarePlan", "CareTeam", "Condition", "Coverage", "Device", "DiagnosticReport",
    "DocumentReference", "Encounter", "Endpoint", "Goal", "Immunization", "Location", "MedicationDispense",
    "MedicationRequest", "MedicationStatement", "Observation", "Organization", "Patient", "Practitioner",
    "PractitionerRole", "Procedure", "Provenance", "Questionnaire", "QuestionnaireResponse", "ServiceRequest",
    "Specimen",
})  # fmt: skip


def _version(x: Exchange) -> Reply:
    return answer(x, {"version": BODY_VERSION, "isDbConnectionSuccess": True})


_API: dict[tuple[str, str], tuple[str, Answer]] = {
    ("GET", "core/version"): ("core.version", _version),
    ("GET", "users/me/login-defaults"): ("login-defaults.read", session.read),
    ("PUT", "users/me/login-defaults"): ("login-defaults.put", session.put),
    ("GET", "master/enterprises"): ("enterprises.list", practices.enterprises),
    ("GET", "master/practices"): ("practices.list", practices.practices),
}
"""Routes of the proprietary API that need no session: method, path below the API."""
_OAUTH: dict[tuple[str, str], tuple[str, Answer]] = {
    ("POST", paths.API_TOKEN): ("token", auth.token),
    ("POST", paths.TOKEN): ("token", smart.token),
    ("GET", paths.AUTHORIZE): ("authorize", smart.authorize),
    ("POST", paths.AUTHORIZE): ("authorize", smart.authorize),
    ("POST", paths.REVOKE): ("revoke", smart.revoke),
    ("GET", paths.FHIR_SERVER + "/.well-known/jwks.json"): ("keys", smart.keys),
}
_OPEN: dict[str, tuple[str, Answer]] = {
    "metadata": ("metadata", fhir.metadata),
    ".well-known/smart-configuration": ("smart-configuration", smart.smart_configuration),
    ".well-known/openid-configuration": ("openid-configuration", smart.openid_configuration),
    ".well-known/jwk": ("keys", smart.keys),
}


def route(x: Exchange) -> Route:
    """The door a request came to.

    Raises:
        Refusal: not_found, where nobody listens.
        NotSimulated: what NextGen has beside these, and we have not.
    """
    found = _OAUTH.get((x.method, x.path))
    if found is not None:
        return Route(*found)
    if x.method == "OPTIONS" and (paths.is_fhir(x.path) or paths.is_oauth(x.path)):
        return Route("preflight", lambda x: Reply(200))
    if x.path.startswith(paths.API + "/"):
        return _api_route(x, x.path[len(paths.API) + 1 :])
    if paths.is_fhir(x.path):
        return _fhir_route(x, x.path[len(paths.FHIR) + 1 :].split("/"))
    if x.path == paths.MESSAGES and x.method == "POST":
        return Route("messages", _inside, needs=(auth.MESSAGES, "c"))
    if x.path.startswith("/nge/prod/fhir-api/"):
        raise NotSimulated("NextGen's DSTU2 interface")
    raise Refusal("not_found", f"nothing at {x.path}", reason="no_such_path")


def _api_route(x: Exchange, path: str) -> Route:
    action = "r" if x.method in ("GET", "HEAD") else "c"
    found = _API.get((x.method, path))
    if found is not None:
        return Route(*found, needs=(auth.API, "r"))  # login defaults are the account's own: no right to write is asked
    known = path.partition("/")[0] in _FAMILIES
    return Route("inside" if known else "unknown", _behind if known else _nothing, (path,), (auth.API, action))


def _behind(x: Exchange) -> Reply:
    """What works in a practice only: without one nobody is told that it is not simulated."""
    session.practice_of(x)
    return _inside(x)


def _inside(x: Exchange) -> Reply:
    raise NotSimulated(f"NextGen: {x.method} {x.path}")


def _nothing(x: Exchange) -> Reply:
    raise Refusal("not_found", f"NextGen has no {x.method} {x.path}", reason="no_route")


def _fhir_route(x: Exchange, parts: list[str]) -> Route:
    found = _OPEN.get("/".join(parts)) if x.method == "GET" else None
    if found is not None:
        return Route(*found)
    type = parts[0]
    if x.method == "GET" and type == "Patient" and len(parts) == 2:
        return Route("Patient.read", fhir.read, (parts[1],), ("Patient", "r"))
    if x.method == "GET" and parts == ["Patient"]:
        return Route("Patient.search", fhir.find, (), ("Patient", "s"))
    if type in FHIR_TYPES and x.method == "GET" and len(parts) <= 2:
        return Route(
            f"{type}.{'read' if len(parts) == 2 else 'search'}", _inside, (), (type, "r" if parts[1:] else "s")
        )
    return Route("unknown", _nothing, tuple(parts), ("Patient", "r"))
