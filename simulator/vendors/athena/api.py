"""Which door: the table of what answers, of what athena answers and we do not, and of what nobody answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from simulator.exchange import Exchange, Reply, Route
from simulator.fetch import client_keys
from simulator.refusal import NotSimulated, Refusal
from simulator.vendors.athena import auth, smart
from simulator.vendors.athena.auth import ANY, REST
from simulator.vendors.athena.fhir import capability
from simulator.vendors.athena.fhir import search as fhir_search
from simulator.vendors.athena.fhir.rules import NOT_SIMULATED, RULES
from simulator.vendors.athena.rest import (
    allergies,
    appointments,
    bookables,
    booking,
    create,
    documents,
    encounters,
    filing,
    insurances,
    insuring,
    labresults,
    medications,
    openings,
    practice,
    problems,
    search,
    slots,
    surgicalhistory,
    vaccines,
    vitals,
)

Answer = Callable[[Exchange], Reply]

_ROOT: dict[tuple[str, str], tuple[str, Answer]] = {
    ("GET", "ping"): ("ping", practice.ping),
    ("GET", "practiceinfo"): ("practiceinfo", practice.practiceinfo),
    ("GET", "departments"): ("departments.list", practice.list_departments),
    ("GET", "providers"): ("providers.list", practice.list_providers),
    ("GET", "patients"): ("patients.search", search.search),
    ("POST", "patients"): ("patients.create", create.create),
    ("GET", "patients/enhancedbestmatch"): ("patients.enhancedbestmatch", search.best_match),
    ("GET", "misc/topinsurancepackages"): ("insurancepackages.list", insuring.list_packages),
    ("GET", "appointmenttypes"): ("appointmenttypes.list", bookables.list_types),
    ("GET", "patientappointmentreasons"): ("patientappointmentreasons.list", bookables.list_reasons),
    ("GET", "appointmentcancelreasons"): ("appointmentcancelreasons.list", bookables.list_cancel_reasons),
    ("GET", "appointments/open"): ("appointments.open", slots.list_open),
    ("POST", "appointments/open"): ("appointments.open_slot", openings.open_slot),
    ("GET", "appointments/booked"): ("appointments.booked", appointments.list_booked),
}
_SINGLE: dict[tuple[str, str], tuple[str, Answer]] = {
    ("GET", "departments"): ("departments.read", practice.read_department),
    ("GET", "providers"): ("providers.read", practice.read_provider),
    ("GET", "patients"): ("patients.read", search.read),
    ("GET", "appointmenttypes"): ("appointmenttypes.read", bookables.read_type),
    ("GET", "appointments"): ("appointments.read", appointments.read_appointment),
    ("PUT", "appointments"): ("appointments.book", booking.book),
}
_BELOW: dict[tuple[str, str, str], tuple[str, Answer]] = {
    ("GET", "chart", "problems"): ("problems.list", problems.list_problems),
    ("GET", "chart", "medications"): ("medications.list", medications.list_medications),
    ("GET", "chart", "allergies"): ("allergies.list", allergies.list_allergies),
    ("GET", "chart", "vitals"): ("vitals.list", vitals.list_vitals),
    ("GET", "chart", "labresults"): ("labresults.list", labresults.list_labresults),
    ("GET", "chart", "analytes"): ("analytes.list", labresults.list_analytes),
    ("GET", "chart", "encounters"): ("encounters.list", encounters.list_encounters),
    ("GET", "chart", "vaccines"): ("vaccines.list", vaccines.list_vaccines),
    ("GET", "chart", "surgicalhistory"): ("surgicalhistory.list", surgicalhistory.list_surgicalhistory),
    ("GET", "patients", "appointments"): ("appointments.list", appointments.list_of_patient),
    ("GET", "patients", "insurances"): ("insurances.list", insurances.list_insurances),
    ("GET", "patients", "documents"): ("documents.list", documents.list_documents),
    ("POST", "patients", "documents"): ("documents.add", filing.add_document),
    ("POST", "patients", "insurances"): ("insurances.add", insuring.add_insurance),
    ("DELETE", "patients", "insurances"): ("insurances.cancel", insuring.cancel_insurance),
    ("PUT", "appointments", "cancel"): ("appointments.cancel", booking.cancel),
    ("PUT", "appointments", "reschedule"): ("appointments.reschedule", booking.reschedule),
    ("POST", "appointments", "startcheckin"): ("appointments.startcheckin", booking.start_check_in),
    ("POST", "appointments", "checkin"): ("appointments.checkin", booking.check_in),
    ("POST", "appointments", "checkout"): ("appointments.checkout", booking.check_out),
}
"""What stands below an id: method, family, and what follows the id."""

# The families of paths that athena has, as far as a public client generated from its specification tells.
_FAMILIES = frozenset({
    "allergies", "appointmentcancelreasons", "appointmentreasons", "appointments", "appointmenttypes",
    "ccmenrollmentstatus", "chargecodes",
    "chart", "claims", "clinicalproviders", "communicatorbrands", "configuration", "customfields",
    "departments", "documents", "employers", "ethnicities", "facilities", "genderidentities", "imagingresults",
    "insurancepackages", "labresults", "languages", "misc", "mobilecarriers", "orcase", "orders",
    "patientappointmentreasons", "patientlocations", "patients", "paymentmethods", "ping", "practiceinfo",
    "prescriptions", "providernumbers", "providers", "providertypes", "races", "reference", "referralsources",
    "referringprovidernumbers", "referringproviders", "slidingfeeplans", "specialties", "states", "stays",
    "surgerycases", "visits",
})  # fmt: skip
_METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})


def route(x: Exchange) -> Route:
    """The door a request came to.

    Raises:
        NotSimulated: athena answers there, we do not.
        Refusal: nobody does.
    """
    parts = x.path.strip("/").split("/")
    if x.method == "OPTIONS" and parts[0] in ("fhir", "oauth2"):
        return _PREFLIGHT
    if parts[0] == "v1" and len(parts) > 2:
        return _rest(x, parts[1], parts[2:])
    if parts[:2] == ["fhir", "r4"]:
        return _fhir(x, parts[2:])
    if parts[:2] == ["oauth2", "v1"]:
        return _oauth(x, parts[2:])
    if x.method == "GET" and x.path == smart.STYLE:
        return Route("style", smart.style)
    if x.method == "GET" and f"{x.base_url}{x.path}" == f"{smart.issuer(x)}/.well-known/openid-configuration":
        return Route("openid-configuration", smart.openid_configuration)
    raise _not_routed(x)


_PREFLIGHT = Route("preflight", lambda x: Reply(200))


def _not_routed(x: Exchange) -> Refusal:
    return Refusal("not_found", f"nothing is routed at {x.path}", reason="not_routed")


def _rest(x: Exchange, practice_id: str, parts: list[str]) -> Route:
    found = _rest_door(x, parts)
    if found is not None:
        name, answer, args = found
        return Route(name, answer, (practice_id, *args), (REST, "r" if x.method == "GET" else "c"))
    if parts[0] in _FAMILIES and x.method in _METHODS:
        raise NotSimulated(f"athena REST: {x.method} /{'/'.join(parts)}")
    return Route("unknown", _unknown, (practice_id,), (REST, "r"))


def _rest_door(x: Exchange, parts: list[str]) -> tuple[str, Answer, tuple[str, ...]] | None:
    if len(parts) <= 2:
        door = _ROOT.get((x.method, "/".join(parts)))
        if door is not None:
            return (*door, ())
    if len(parts) == 2 and parts[1] not in _NAMED:
        door = _SINGLE.get((x.method, parts[0]))
        return (*door, (parts[1],)) if door else None
    if len(parts) == 3 and parts[:2] == ["chart", "encounter"] and x.method == "GET":
        return "encounters.read", encounters.read_encounter, (parts[2],)
    if len(parts) == 3 and parts[1] not in _NAMED:
        door = _BELOW.get((x.method, parts[0], parts[2]))
        return (*door, (parts[1],)) if door else None
    if len(parts) == 4 and parts[0] == "patients" and parts[2] == "insurances" and x.method == "DELETE":
        return "insurances.cancel", insuring.cancel_insurance, (parts[1], parts[3])
    if len(parts) > 3 and parts[0] == "patients" and parts[2] == "documents":
        if x.method == "GET":
            return _document_door(parts[1], parts[3:])
        if x.method == "POST" and len(parts) == 4 and parts[3] in documents.CLASSES:
            return f"{parts[3]}.add", filing.add_of_class, (parts[1], parts[3])
    return None


def _document_door(patient: str, parts: list[str]) -> tuple[str, Answer, tuple[str, ...]] | None:
    """The door below `/patients/{patientid}/documents/`: a class, an id of it, and the bytes behind."""
    name, *rest = parts
    if name == "labresult" and len(rest) < 2:
        door = ("labresult.read", documents.read_labresult) if rest else ("labresult.list", documents.list_labresults)
        return (*door, (patient, *parts))
    if name not in documents.CLASSES:
        return None
    if not rest:
        return f"{name}.list", documents.list_of_class, (patient, name)
    if len(rest) == 1:
        return f"{name}.read", documents.read_document, (patient, name, rest[0])
    if rest[1:] == ["originaldocument"]:
        answer = documents.read_original if name in documents.WITH_ORIGINAL else _unknown
        return f"{name}.original", answer, (patient, name, rest[0])
    if len(rest) == 3 and rest[1] == "pages":
        return f"{name}.page", documents.read_page, (patient, name, rest[0], rest[2])
    return None


_NAMED = frozenset({
    "search", "changed", "customfields", "bestmatch", "matchbyname", "enhancedbestmatch", "open", "booked", "waitlist",
    "appointmentreminders", "configuration", "healthhistory",
})  # fmt: skip
"""Words that stand where an id would."""


def _unknown(x: Exchange) -> NoReturn:
    raise Refusal("not_found", f"no call {x.method} {x.path}", reason="no_call")


def _fhir(x: Exchange, parts: list[str]) -> Route:
    if parts == ["metadata"] and x.method == "GET":
        return Route("metadata", capability.metadata)
    if parts == [".well-known", "smart-configuration"] and x.method == "GET":
        return Route("smart-configuration", capability.smart_configuration)
    type = parts[0] if parts else ""
    if type in NOT_SIMULATED:
        raise NotSimulated(f"athena FHIR: {x.method} /{'/'.join(parts)}")
    if type not in RULES:
        return Route("unknown", _unknown, (), (ANY, "r"))
    is_searched = bool(RULES[type].any_of)
    if is_searched and len(parts) == 1 and x.method == "GET":
        return Route(f"{type}.search", fhir_search.search, (type,), (type, "s"))
    if is_searched and parts[1:] == ["_search"] and x.method == "POST":
        return Route(f"{type}.search", fhir_search.search, (type,), (type, "s"))
    if len(parts) == 2 and x.method == "GET" and not parts[1].startswith(("_", "$")):
        return Route(f"{type}.read", fhir_search.read, (type, parts[1]), (type, "r"))
    if len(parts) > 1 and parts[-1].startswith("$"):
        raise NotSimulated(f"athena FHIR: {x.method} /{'/'.join(parts)}")
    return Route(f"{type}.unsupported", _unsupported, (type,), (type, "r"))


def _unsupported(x: Exchange) -> NoReturn:
    raise Refusal("unsupported", f"{x.method} {x.path}", reason="no_interaction")


_CLIENT_KEYS = client_keys(auth.KEYS_KEPT)
_OAUTH_DOORS: dict[str, tuple[Route, frozenset[str]]] = {
    "token": (Route("token", auth.token, prepare=_CLIENT_KEYS), frozenset({"POST", "GET", "PUT", "DELETE"})),
    "authorize": (Route("authorize", smart.authorize), frozenset({"GET", "POST"})),
    "introspect": (Route("introspect", auth.introspect, prepare=_CLIENT_KEYS), frozenset({"GET", "POST"})),
    "revoke": (Route("revoke", auth.revoke, prepare=_CLIENT_KEYS), frozenset({"POST"})),
    "keys": (Route("keys", auth.keys), frozenset({"GET"})),
}


def _oauth(x: Exchange, parts: list[str]) -> Route:
    door = _OAUTH_DOORS.get(parts[0]) if len(parts) == 1 else None
    if door is not None and x.method in door[1]:
        return door[0]
    if parts and parts[0] == "logout":
        raise NotSimulated(f"athena OAuth: {x.method} /{'/'.join(parts)}")
    raise _not_routed(x)
