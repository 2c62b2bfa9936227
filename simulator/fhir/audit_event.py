"""An access as FHIR AuditEvent R4, after IHE BALP: who, what, which patients, which scope, why, with which outcome.

Source: HL7 FHIR R4 AuditEvent; IHE Basic Audit Log Patterns 1.1.3, https://profiles.ihe.net/ITI/BALP/; HIPAA,
45 CFR 164.312(b).
"""

from __future__ import annotations

import base64
from typing import Any

from simulator.exchange import Exchange
from simulator.journal.access import Access, access_of
from simulator.journal.redaction import credentials_of, is_search, redacted_pairs, without_secrets
from simulator.selector import client_of

Json = dict[str, Any]

_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_TYPES = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_REASONS = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_REST = "http://hl7.org/fhir/restful-interaction"
_BALP = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
_INTERACTIONS = {
    "read": ("read", "R"),
    "search": ("search-type", "E"),
    "create": ("create", "C"),
    "list": ("read", "R"),
}
_BY_METHOD = {"GET": "R", "HEAD": "R", "POST": "C", "PUT": "U", "PATCH": "U", "DELETE": "D"}
_LOGINS = frozenset({"token", "authorize", "introspect", "revoke"})


def audit_event(x: Exchange) -> Json:
    """The AuditEvent of one exchange. It is logical: resources and patients by the vendor's ids, secrets left out."""
    access = access_of(x)
    made: Json = {
        "resourceType": "AuditEvent",
        "id": x.id,
        **_kind(x),
        "recorded": x.at.isoformat(timespec="milliseconds"),
        **_outcome(x),
        "agent": _agents(x, access),
        "source": {
            "site": x.sandbox.id,
            "observer": {"display": f"{x.vendor.name} in the sandbox {x.sandbox.id}"},
            "type": [{"system": "http://terminology.hl7.org/CodeSystem/security-source-type", "code": "4"}],
        },
        "entity": _entities(x, access),
    }
    if access.purpose:
        made["purposeOfEvent"] = [{"coding": [{"system": _REASONS, "code": access.purpose}]}]
    clean: Json = without_secrets(made, credentials_of(x))
    return clean


def _kind(x: Exchange) -> Json:
    """Type, subtype and action: a login, or what was done to which kind of resource."""
    name = x.route.name if x.route is not None else ""
    if name in _LOGINS:
        login = {"system": _DICOM, "code": "110114", "display": "User Authentication"}
        subtype = {"system": _DICOM, "code": "110122", "display": "Login"}
        return {"type": login, "subtype": [subtype], "action": "E"}
    rest = {"system": _TYPES, "code": "rest", "display": "RESTful Operation"}
    interaction, action = _INTERACTIONS.get(name.rpartition(".")[2], ("", _BY_METHOD.get(x.method, "E")))
    if not interaction:
        return {"type": rest, "action": action}
    return {"type": rest, "subtype": [{"system": _REST, "code": interaction}], "action": action}


def _outcome(x: Exchange) -> Json:
    """0 success, 4 the caller's mistake, 8 ours or the vendor's, 12 nothing came of it at all."""
    answer = x.reply
    if answer is None or (not x.complete and x.notes.get("wire_sent") == "nothing"):
        return {"outcome": "12", "outcomeDesc": x.refusal or "no answer was sent"}
    code = "0" if answer.status < 400 else "4" if answer.status < 500 else "8"
    said = x.refusal or ("" if code == "0" else f"status {answer.status}")
    return {"outcome": code} | ({"outcomeDesc": said} if said else {})


def _agents(x: Exchange, access: Access) -> list[Json]:
    """The client, and the person on whose behalf it acts."""
    host, _, _ = x.connection.rpartition(":")
    client = client_of(x)
    agent: Json = {
        "type": {"coding": [{"system": _DICOM, "code": "110153", "display": "Source Role ID"}]},
        "who": {"identifier": {"value": client}} if client else {"display": "unknown"},
        "requestor": True,
    }
    if host:
        agent["network"] = {"address": host, "type": "2"}
    if access.scope:
        agent["policy"] = [f"urn:scope:{scope}" for scope in access.scope]
    user = _user(x)
    if user is None:
        return [agent]
    agent["requestor"] = False
    person: Json = {
        "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]},
        "who": {"identifier": {"value": user}},
        "requestor": True,
    }
    return [person, agent]


def _user(x: Exchange) -> str | None:
    """The login of the person who let the client in, or on whose behalf it says that it acts."""
    noted = x.notes.get("grant")
    if isinstance(noted, dict) and noted.get("user"):
        return str(noted["user"])
    token = x.site.tokens.of_id(x.caller.token_id) if x.caller is not None and x.caller.token_id else None
    grant = x.site.desk.grants.of_id(token.grant) if token is not None and token.grant else None
    return grant.user.login if grant is not None else x.notes.get("user")


def _entities(x: Exchange, access: Access) -> list[Json]:
    """The patients, what was sent of them, the question, and the exchange itself."""
    made: list[Json] = [
        {
            "what": {"reference": f"Patient/{_patient_id(x, number)}", "identifier": {"value": str(number)}},
            "type": {"system": _ENTITY, "code": "1", "display": "Person"},
            "role": {"system": _ROLE, "code": "1", "display": "Patient"},
        }
        for number in access.patients
    ]
    made += [
        {
            "what": {"reference": f"{type}/{id}"} if type[:1].isupper() else {"identifier": {"value": f"{type} {id}"}},
            "type": {"system": _ENTITY, "code": "2", "display": "System Object"},
            "role": {"system": _ROLE, "code": "4", "display": "Domain Resource"},
        }
        for type, id in (x.reply.served if x.reply is not None else ())
        if type not in ("Patient", "patient")
    ]
    asked = x.raw_path + (f"?{redacted_pairs(x.query, searches=is_search(x))}" if x.query else "")
    asked = without_secrets(asked, credentials_of(x))
    made.append(
        {
            "type": {"system": _ENTITY, "code": "2", "display": "System Object"},
            "role": {"system": _ROLE, "code": "24", "display": "Query"},
            "query": base64.b64encode(f"{x.method} {asked}".encode()).decode("ascii"),
        }
    )
    exchange = {"what": {"identifier": {"value": x.id}}, "type": {"system": _BALP, "code": "XrequestId"}}
    return [*made, exchange]


def _patient_id(x: Exchange, number: int) -> str:
    ids = x.vendor.patient_ids(x.site, number)
    return ids.get("fhir_id") or next(iter(ids.values()), str(number))
