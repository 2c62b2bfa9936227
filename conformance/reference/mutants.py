"""The named bugs: each is the reference with one wrong habit. A check is worth something once it has seen one fail."""

from __future__ import annotations

import re
import ssl
import warnings
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from json import loads
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from conformance.reference.behaviour import Behaviour, Json, chosen, instant, wait_of
from conformance.reference.failure import Failure
from conformance.reference.paging import entries_of
from conformance.reference.shapes import LISTS

E, C, A = "epic", "cerner", "athena"


@dataclass(frozen=True)
class Mutant:
    """One bug: what it does, the checks that must see it, the vendors it shows at."""

    name: str
    says: str
    killed_by: tuple[str, ...]
    vendors: tuple[str, ...]
    behaviour: Behaviour


MUTANTS: dict[str, Mutant] = {}


def _bug(name: str, check: str, says: str, at: tuple[str, ...] = (E, C, A), **habits: Any) -> None:
    MUTANTS[name] = Mutant(name, says, (check,), at, replace(Behaviour(), **habits))


def _secret_in_form(ready: Json, auth: Json) -> Json:
    """What the dialect does not offer: the secret in the form; where a key is registered, Basic."""
    if "client_assertion" in ready["form"]:
        pair = b64encode(f"{auth['client_id']}:secret".encode()).decode()
        form = {name: value for name, value in ready["form"].items() if not name.startswith("client_assertion")}
        return ready | {"form": form, "headers": ready["headers"] | {"Authorization": f"Basic {pair}"}}
    headers = {name: value for name, value in ready["headers"].items() if name != "Authorization"}
    return ready | {
        "headers": headers,
        "form": ready["form"] | {key: auth[key] for key in ("client_id", "client_secret")},
    }


def _secret_in_query(ready: Json, auth: Json) -> Json:
    return ready | {"url": f"{ready['url']}?{urlencode({'client_secret': auth.get('client_secret', '')})}"}


def _rebuilt(link: str, current: str) -> str:
    """The search's own parameters and a page number, as if every server paged by number."""
    base, _, query = current.partition("?")
    own = dict(parse_qsl(query))
    return f"{base}?{urlencode(own | {'page': int(own.get('page', 1)) + 1})}"


def _reencoded(link: str, current: str) -> str:
    return f"{link.partition('?')[0]}?{urlencode(sorted(parse_qsl(urlsplit(link).query)))}"


def _reaches_total(page: Json, held: int) -> bool:
    """Whether as many entries are held as the list says that it has."""
    told = page.get("total", page.get("totalcount"))
    return told is not None and held >= int(told)


def _unreported(what: str) -> Callable[[Failure], bool]:
    """Keeps silent about the failures of one class or reason."""
    return lambda failure: what not in (failure.error_class, failure.reason)


def _each(change: Callable[[Json], Json | None]) -> Callable[[str, list[Json]], list[Json]]:
    """Changes every record that leaves; None leaves it out."""
    return lambda kind, records: [new for record in records if (new := change(record)) is not None]


def _waits(seconds: float) -> Callable[[Failure, int, float], float]:
    return lambda failure, attempt, draw: seconds


def _of(kind: str, **facts: Callable[[Json], Any]) -> Callable[[str, list[Json]], list[Json]]:
    """Overwrites facts of the records of one kind."""
    return _each(lambda one: {**one, **{k: fact(one) for k, fact in facts.items()}} if one["kind"] == kind else one)


def _swapped_name(record: Json) -> Any:
    family, given = record["name"]["family"], record["name"]["given"]
    return record["name"] | {"family": given[0] if given else None, "given": [family, *given[1:]]}


def _is_number(record: Json) -> bool:
    return record["kind"] != "observation" or "number" in (record["value"] or {})


def _without_comparator(record: Json) -> Any:
    value = record["value"]
    return value | {"comparator": None} if value and "comparator" in value else value


def _first_number(record: Json) -> Any:
    strength = re.search(r"\d+(\.\d+)?", record.get("text") or "")
    return record["dosage"] | ({"dose": strength[0]} if strength else {})


def _months_first(record: Json) -> Json:
    """Reads MM/DD as DD/MM, where that gives a date."""

    def swapped(fact: Any) -> Any:
        if isinstance(fact, dict) and fact.get("precision") == "day" and int(fact["value"][8:]) <= 12:
            return fact | {"value": "-".join(fact["value"].split("-")[i] for i in (0, 2, 1))}
        return fact

    return {key: swapped(fact) for key, fact in record.items()} if record["patient"]["vendor"] == A else record


def _other_sex(record: Json) -> Json:
    if record["patient"]["vendor"] != C or record["kind"] != "patient":
        return record
    other = {"F": "M", "M": "F", "female": "male", "male": "female"}
    return record | {key: other.get(record[key], record[key]) for key in ("sexAtBirth", "administrativeGender")}


def _as_valid(record: Json) -> Json:
    """Whatever says that it was entered in error, as if it did not."""
    words = {"status": "final", "verification": "confirmed"}
    return record | {name: word for name, word in words.items() if record.get(name) == "entered-in-error"}


def _active(kind: str, records: list[Json]) -> list[Json]:
    fact = {"condition": "clinicalStatus", "medication": "status"}.get(kind)
    return [record | {fact: "active"} if fact else record for record in records]


def _as_one(kind: str, records: list[Json]) -> list[Json]:
    if kind != "patient" or len(records) < 2:
        return records
    return [records[0] | {"sources": [record["patient"] for record in records]}, *records[1:]]


def _invented(kind: str, records: list[Json]) -> list[Json]:
    if kind != "allergy" or records:
        return records
    return [
        {"kind": kind, "source": {"type": "AllergyIntolerance", "id": "none"}, "assertion": "none-known", "codes": []}
    ]


_KNOWN_ELEMENTS = frozenset({
    "account", "active", "address", "appointment", "asserter", "authoredOn", "basedOn", "birthDate", "bodySite",
    "category", "class", "classHistory", "clinicalStatus", "code", "communication", "component", "contact",
    "contained", "courseOfTherapyType", "criticality", "dataAbsentReason", "derivedFrom", "detectedIssue", "device",
    "diagnosis", "dispenseRequest", "doNotPerform", "dosageInstruction", "doseQuantity", "education", "encounter",
    "episodeOfCare", "eventHistory", "evidence", "expirationDate", "extension", "focus", "fundingSource", "gender",
    "generalPractitioner", "groupIdentifier", "hasMember", "hospitalization", "id", "identifier", "implicitRules",
    "instantiatesCanonical", "instantiatesUri", "insurance", "intent", "interpretation", "isSubpotent", "issued",
    "language", "lastOccurrence", "length", "link", "location", "lotNumber", "managingOrganization", "manufacturer",
    "maritalStatus", "meta", "method", "modifierExtension", "name", "note", "partOf", "participant", "patient",
    "performer", "performerType", "period", "photo", "primarySource", "priorPrescription", "priority",
    "programEligibility", "protocolApplied", "reaction", "reasonCode", "reasonReference", "recorded",
    "recordedDate", "recorder", "referenceRange", "reportOrigin", "requester", "route", "serviceProvider",
    "serviceType", "severity", "site", "specimen", "stage", "status", "statusHistory", "statusReason", "subject",
    "subpotentReason", "substitution", "supportingInformation", "telecom", "text", "type", "vaccineCode",
    "verificationStatus",
})  # fmt: skip
"""Every element that R4 gives the resources that are read; choices by their stems below."""
_CHOICES = (
    "abatement",
    "deceased",
    "effective",
    "medication",
    "multipleBirth",
    "occurrence",
    "onset",
    "reported",
    "value",
)


def _has_only_known_elements(thing: Json) -> bool:
    return all(name in _KNOWN_ELEMENTS or name.startswith(("_", *_CHOICES)) for name in thing if name != "resourceType")


def _remembering() -> Callable[[str, list[Json]], list[Json]]:
    """Fills what is empty with what was there the last time."""
    held: dict[tuple[str, ...], Json] = {}

    def output(kind: str, records: list[Json]) -> list[Json]:
        made = []
        for one in records:
            key = (kind, str(one["source"].get("type")), str(one["source"].get("id")), str(one["source"].get("part")))
            before = held.get(key, {})
            filled = {name: before[name] for name in one if one[name] is None and before.get(name) is not None}
            made.append(one | filled)
            held[key] = made[-1]
        return made

    return output


def _crashed(field: str, word: str) -> str:
    raise RuntimeError(f"no such {field}")


_DEFAULTS = {"verification": "confirmed", "criticality": "low", "interpretation": "N"}


def _pieces(thing: Json) -> Json:
    """Takes whatever stands where a list is known for a list: the letters of a name."""
    return {
        name: list(value) if name in LISTS | {"category"} and isinstance(value, str) else _inside(value)
        for name, value in thing.items()
    }


def _inside(value: Any) -> Any:
    if isinstance(value, list):
        return [_inside(one) for one in value]
    return _pieces(value) if isinstance(value, dict) else value


def _padded(record: Json) -> Json:
    """A year or a month is its first day."""

    def padded(fact: Any) -> Any:
        if isinstance(fact, dict) and fact.get("precision") in ("year", "month"):
            return fact | {"value": f"{fact['value']}-01-01"[:10], "precision": "day"}
        return fact

    return {key: padded(fact) for key, fact in record.items()}


def _moved(record: Json, move: Callable[[datetime], datetime]) -> Json:
    """Every day of a record as if it were an instant."""

    def moved(fact: Any) -> Any:
        if isinstance(fact, dict) and fact.get("precision") == "day":
            return fact | {"value": move(datetime.fromisoformat(fact["value"])).date().isoformat()}
        return fact

    return {key: moved(fact) for key, fact in record.items()}


def _as_local(record: Json) -> Json:
    return _moved(record, lambda at: at.replace(tzinfo=UTC).astimezone())


def _as_greenwich(record: Json) -> Json:
    return _moved(record, lambda at: at.astimezone(UTC))


def _own_id(change: Callable[[str], str]) -> Callable[[str, list[Json]], list[Json]]:
    """Keeps another id than the one that was told."""
    return _each(lambda one: one | {"source": one["source"] | {"id": change(one["source"]["id"])}})


def _one_code(kind: str, records: list[Json]) -> list[Json]:
    return [one | {"codes": one["codes"][:1]} if "codes" in one else one for one in records]


def _coded_only(kind: str, records: list[Json]) -> list[Json]:
    return [one | {"text": None} if one.get("codes") and "text" in one else one for one in records]


def _has_numbers_for_codes(thing: Any) -> bool:
    """Whether every code under SNOMED's name is a number, wherever in a resource."""
    if isinstance(thing, list):
        return all(map(_has_numbers_for_codes, thing))
    if not isinstance(thing, dict):
        return True
    is_snomed = thing.get("system") == "http://snomed.info/sct" and "code" in thing
    return (not is_snomed or str(thing["code"]).isdigit()) and all(map(_has_numbers_for_codes, thing.values()))


def _times_two(kind: str) -> Callable[[str, list[Json]], list[Json]]:
    """Every record of one kind twice."""
    return lambda of, records: [*records, *records] if of == kind else records


@cache
def _trusting(ca_file: str | None) -> ssl.SSLContext:
    """Whoever answers is believed."""
    made = ssl.create_default_context(cafile=ca_file)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


@cache
def _of_any_name(ca_file: str | None) -> ssl.SSLContext:
    """A certificate is good for every host."""
    made = ssl.create_default_context(cafile=ca_file)
    made.check_hostname = False
    return made


@cache
def _old(ca_file: str | None) -> ssl.SSLContext:
    """TLS 1.1 is still spoken."""
    made = ssl.create_default_context(cafile=ca_file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version = ssl.TLSVersion.TLSv1_1
    made.set_ciphers("ALL:@SECLEVEL=0")
    return made


_JSON_TYPES = {b"application/fhir+json", b"application/json"}


def _is_of_known_type(headers: list[tuple[bytes, bytes]]) -> bool:
    told = next((value for name, value in headers if name.lower() == b"content-type"), b"")
    return told.replace(b" ", b"").lower().removesuffix(b";charset=utf-8") in _JSON_TYPES


# Login
_bug(
    "jwt_exp_1h",
    "AUTH-01",
    "its assertions live an hour",
    at=(E, C),
    assertion_claims=lambda claims, urls: claims | {"exp": claims["iat"] + 3600},
)
_bug(
    "jwt_no_kid",
    "AUTH-01",
    "its assertions name no key",
    at=(E,),
    assertion_header=lambda header, urls: {key: value for key, value in header.items() if key != "kid"},
)
_bug(
    "jwt_wrong_aud",
    "AUTH-01",
    "its assertions are addressed to the FHIR server",
    at=(E,),
    assertion_claims=lambda claims, urls: claims | {"aud": urls["fhir_url"]},
)
_bug(
    "jwt_iss_ne_sub",
    "AUTH-01",
    "issuer and subject of its assertions differ",
    at=(E,),
    assertion_claims=lambda claims, urls: claims | {"iss": "someone-else"},
)
_bug("jwt_reuse_on_retry", "AUTH-02", "its retries present an assertion again", at=(E,), fresh_assertion=False)
_bug(
    "wrong_auth_method",
    "AUTH-04",
    "it logs in by another method than its own",
    at=(C, E),
    token_request=_secret_in_form,
)
_bug("secret_in_query", "AUTH-04", "it puts its secret into the URL too", at=(C, A), token_request=_secret_in_query)
_bug("token_per_request", "AUTH-05", "it logs in before every call", renews=lambda now, until: True)
_bug("never_refresh", "AUTH-06", "it keeps its first token for ever", renews=lambda now, until: False, replays=0)
_bug(
    "refresh_only_at_start",
    "AUTH-06",
    "it looks at its token's age only when a run begins",
    renews_at_start=True,
    replays=0,
)
_bug("no_retry_on_401", "AUTH-07", "a 401 is final", replays=0)
_bug("retry_401_same_token", "AUTH-07", "it presents a refused token again", replays=3, keeps_refused=True)
_bug(
    "login_hot_loop",
    "AUTH-08",
    "it logs in again and again after a refusal",
    attempts=10,
    replays=9,
    wait=_waits(0.0),
    retries=lambda failure: failure.transient or failure.error_class == "auth",
)
_bug("swallow_auth_error", "AUTH-08", "a refused login gives an empty answer", reports=_unreported("auth"))
_bug("ignore_granted_scope", "AUTH-12", "it asks on for what was not granted", at=(E,), remembers=False)
_bug(
    "scopes_must_equal",
    "AUTH-12",
    "another grant than was asked for is none",
    at=(E, C),
    takes=lambda asked, granted: asked.split() == granted.split(),
)
_bug(
    "old_refresh_token",
    "AUTH-10",
    "it keeps its first refresh token",
    at=(E, C),
    refresh=lambda held, told: held or told,
)
_bug(
    "null_refresh_token",
    "AUTH-10",
    "an answer without a refresh token takes away the one that it has",
    at=(E, C),
    refresh=lambda held, told: told,
)
_bug(
    "herd_refresh",
    "AUTH-09",
    "everybody who meets a dead token logs in anew",
    shares_login=False,
)
_bug("no_pkce", "AUTH-13", "it logs people in without PKCE", at=(E, C), challenge=lambda verifier: {})
_bug(
    "pkce_plain",
    "AUTH-13",
    "it sends the verifier ahead in the open",
    at=(E, C),
    challenge=lambda verifier: {"code_challenge": verifier, "code_challenge_method": "plain"},
)
_bug("constant_state", "AUTH-13", "it has one state for everybody", at=(E, C), state=lambda: "acme-" + "0" * 24)
_bug("skip_state_check", "AUTH-13", "it does not look at the state that comes back", at=(E, C), checks_state=False)
_bug("trust_any_iss", "AUTH-13", "whichever server is named is its own", at=(E, C), knows=lambda named, own: True)
_bug("forbidden_as_empty", "AUTHZ-03", "what is forbidden counts as empty", reports=_unreported("forbidden"))

_bug(
    "sticky_patient_context",
    "AUTHZ-02",
    "whose chart was open first is open for ever",
    at=(E, C),
    context=lambda held, told: held or told,
)
_bug(
    "shared_token_cache",
    "AUTHZ-04",
    "it keeps tokens by the client's id alone",
    at=(C, E, A),
    token_key=lambda auth: str(auth["client_id"]),
)
_bug(
    "cache_by_bare_id",
    "AUTHZ-04",
    "it keeps resources by their id alone",
    at=(E, C),
    resource_key=lambda type, id: f"{type}/{id}",
)
_bug(
    "trust_bundle_subject",
    "AUTHZ-05",
    "what stands in a patient's list is the patient's",
    heeds_subject=False,
)

# Meaning
_bug("swap_family_given", "NORM-01", "family and given name are exchanged", output=_of("patient", name=_swapped_name))
_bug(
    "drop_suffix",
    "NORM-01",
    "Jr. and III get lost",
    output=_of("patient", name=lambda one: one["name"] | {"suffix": None}),
)
_bug(
    "gender_from_wrong_field",
    "NORM-01",
    "the sex at birth serves as administrative gender",
    output=_of("patient", administrativeGender=lambda one: {"F": "female", "M": "male"}.get(one["sexAtBirth"])),
)
_bug(
    "only_value_quantity",
    "NORM-05",
    "observations without a number get lost",
    output=_each(lambda one: one if _is_number(one) else None),
)
_bug(
    "drop_components",
    "NORM-05",
    "observations with components get lost",
    at=(E, C),
    output=_each(lambda one: None if "part" in one["source"] else one),
)
_bug(
    "float_roundtrip",
    "NORM-06",
    "numbers pass through binary floats",
    at=(C, A),
    number=lambda value: f"{float(value):g}",
)
_bug("drop_comparator", "NORM-06", "less than 0.01 becomes 0.01", output=_of("observation", value=_without_comparator))
_bug(
    "unit_from_display", "NORM-06", "a unit's words serve as its code", at=(C, A, E), unit=lambda told: told.get("unit")
)
_bug("default_active", "NORM-09", "every condition and medication is active", output=_active)
_bug(
    "nka_as_allergy",
    "NORM-10",
    "no known allergies is an allergy",
    output=_of("allergy", assertion=lambda one: "present"),
)
_bug("not_asked_as_none", "NORM-10", "an empty list is the statement that there are none", output=_invented)
_bug(
    "vendor_branch_bug_athena_dates",
    "NORM-15",
    "athena's days and months are exchanged",
    at=(A, E),
    output=_each(_months_first),
)
_bug("vendor_branch_bug_oracle_sex", "NORM-15", "Oracle Health's men are women", at=(C, E), output=_each(_other_sex))
_bug(
    "strength_as_dose",
    "NORM-19",
    "the strength in a drug's name is its dose",
    output=_of("medication", dosage=_first_number),
)
_bug(
    "ignore_verification_status",
    "NORM-08",
    "it looks for errors in the status, never in the verification",
    at=(C,),
    is_withdrawn=lambda resource: resource.get("status") == "entered-in-error",
    output=_each(_as_valid),
)
_bug("no_retract", "NORM-08", "what it holds it holds, whatever was taken back", at=(C,), retracts=False)
_bug("date_as_utc_instant", "NORM-02", "a day is midnight in Greenwich, told in local time", output=_each(_as_local))
_bug("local_midnight_as_utc", "NORM-02", "a day is midnight here, told in Greenwich", output=_each(_as_greenwich))
_bug("pad_partial_date", "NORM-03", "a year is its first day", at=(E, C), output=_each(_padded))
_bug(
    "drop_offset",
    "NORM-03",
    "whatever the offset, a time is UTC",
    at=(C, A),
    time=lambda text: re.sub(r"[+-]\d\d:\d\d$", "Z", text),
)
_bug(
    "truncate_fraction",
    "NORM-03",
    "parts of a second get lost",
    at=(E, C),
    time=lambda text: re.sub(r"\.\d+(?=Z|[+-])", "", text),
)
_bug("inline_only", "NORM-13", "what is not inline is empty", content=lambda data: b"")
_bug(
    "binary_text_decode",
    "NORM-13",
    "it reads every attachment as UTF-8",
    content=lambda data: data.decode("utf-8", "replace").encode(),
)
_bug(
    "name_only_from_coding",
    "NORM-19",
    "a concept has no name but the display of its code",
    at=(E, A),  # at Cerner every product has the site's own coding, whose display is its name; NORM-07 sees the others
    label=lambda text, displays: next(iter(displays), ""),
)

_bug("name_index_0", "NORM-04", "the first name is the name", at=(C, E), named=lambda names: next(iter(names), {}))
_bug(
    "first_identifier_is_mrn",
    "NORM-04",
    "the first identifier is the record number",
    at=(E, C),
    output=_of("patient", identifiers=lambda one: one["identifiers"][:1]),
)
_bug("coding_index_0", "NORM-07", "of several codes it keeps the first", output=_one_code)
_bug("code_only_no_text", "NORM-07", "where there is a code, the words get lost", output=_coded_only)
_bug(
    "inline_medication_only",
    "NORM-19",
    "a drug that an order points at is not read",
    at=(E,),
    drug_behind=False,
)
_bug("double_problem", "NORM-18", "a problem comes again with every visit about it", at=(E,), repeats=True)
_bug("note_per_attachment", "NORM-18", "a note in two forms is two notes", output=_times_two("document"))
_bug("names_as_people", "NORM-18", "somebody with two names is two people", output=_times_two("patient"))
_bug(
    "numeric_snomed_only",
    "NORM-20",
    "it cannot read a code of SNOMED that is a word",
    at=(E,),
    accepts=_has_numbers_for_codes,
)
_bug("accept_anything", "NORM-20", "whatever form an answer has is welcome", at=(E,), accept=lambda media: "*/*")

_bug("ignore_patient_link", "NORM-14", "who was merged is kept under the dead id", follows_merges=False)
_bug("homonyms_merged", "NORM-14", "everybody of one name and birth date is one person", output=_as_one)
_bug(
    "first_hit_wins",
    "NORM-17",
    "the first who is found is the one",
    chosen=lambda found, told: found[:1],
)
_bug(
    "match_by_name_only",
    "NORM-17",
    "who has the name is the one",
    at=(C, A),
    seeks=lambda told: {name: value for name, value in told.items() if name != "birth_date"},
    chosen=lambda found, told: [one for one in found if one["name"]["family"] == told["family"]][:1],
)
_bug(
    "mrn_without_system",
    "NORM-17",
    "a number is a number, whoever gave it",
    at=(E, C),
    chosen=lambda found, told: (
        [one for one in found if any(held["value"] == told["mrn"] for held in one["identifiers"])][:1]
        if "mrn" in told
        else chosen(found, told)
    ),
)
_bug("create_on_zero_hits", "NORM-17", "who is not found is registered anew", at=(E,), registers=True)
_bug("puts_out_twice", "NORM-20", "every record leaves twice", output=lambda kind, records: [*records, *records])
_bug(
    "keeps_errors",
    "NORM-20",
    "what was entered in error counts as valid",
    at=(C,),
    is_withdrawn=lambda resource: False,
    output=_each(_as_valid),
)

# Pages and queries
_bug("first_page_only", "PAGE-01", "it stops after the first page", goes_on=lambda page: False)
_bug("max_5_pages", "PAGE-01", "it stops after five pages", goes_on=lambda page: page < 5)
_bug("rebuild_next_url", "PAGE-02", "it makes page links of its own", next_url=_rebuilt, goes_on=lambda page: page < 4)
_bug("reencode_next_url", "PAGE-02", "it writes page links anew", at=(C, E), next_url=_reencoded)
_bug("stop_at_total", "PAGE-03", "it reads until the total is reached", is_whole=_reaches_total)
_bug(
    "infinite_next",
    "PAGE-04",
    "it follows links in circles, and gives up after sixty pages",
    follows_circles=True,
    goes_on=lambda page: page < 60,
)
_bug(
    "stop_on_empty_page",
    "PAGE-04",
    "an empty page is the end",
    is_whole=lambda page, held: not entries_of(page),
)
_bug(
    "no_dedupe",
    "PAGE-05",
    "what a list tells twice it holds twice",
    at=(E, C),
    key=lambda id, place: f"{id} {place}",
)
_bug(
    "partial_as_complete",
    "PAGE-06",
    "the pages before a dead link count as all",
    at=(E, C),
    reports=_unreported("lost_link"),
    restarts=0,
)
_bug(
    "outcome_as_record",
    "PAGE-07",
    "what the server says about a search is a record",
    at=(E,),
    is_match=lambda entry, type: True,
)
_bug(
    "missing_category",
    "PAGE-08",
    "it searches without the category that is demanded",
    at=(E,),
    query=lambda params: urlencode([pair for pair in params if pair[0] != "category"]),
)

_bug(
    "trust_server_filter",
    "PAGE-10",
    "whatever a search gives was asked for",
    distrusts=False,
)

_bug(
    "watermark_client_clock",
    "PAGE-09",
    "it asks for what is newer than its own clock was",
    at=(C,),
    since=lambda newest, asked: "ge" + instant(asked),
)
_bug(
    "gt_instead_of_ge",
    "PAGE-09",
    "it asks for what is newer than the newest that it has",
    at=(C,),
    since=lambda newest, asked: "gt" + newest.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
)
_bug("delete_missing", "PAGE-11", "what is not listed any more is deleted", at=(E, C, A), deletes=True)
_bug(
    "full_resync_every_time",
    "PAGE-09",
    "it reads everything every time",
    at=(C,),
    since=lambda newest, asked: "",
)

# Trouble
_bug("ignore_retry_after", "RES-01", "it waits as long as it likes", wait=_waits(0.05))
_bug(
    "no_http_date",
    "RES-01",
    "it cannot read a Retry-After that is a date",
    wait=lambda failure, attempt, draw: 0.05 if failure.dated else wait_of(failure, attempt, draw),
)
_bug("hot_loop_429", "RES-02", "it does not wait when it is throttled", wait=_waits(0.0))
_bug("fixed_100ms_retry", "RES-02", "it waits 100 ms every time", wait=_waits(0.1))
_bug(
    "no_retry_503",
    "RES-03",
    "a 503 is final",
    retries=lambda failure: failure.transient and failure.status not in (502, 503, 504),
)
_bug(
    "no_retry_reset",
    "RES-03",
    "a broken connection is final",
    retries=lambda failure: failure.transient and failure.reason != "reset",
)
_bug("retry_forever", "RES-04", "it tries thirty times", attempts=30, wait=_waits(0.02))
_bug("stacked_retries", "RES-04", "four layers of it try four times each", attempts=16, wait=_waits(0.02))
_bug(
    "retry_all_4xx",
    "RES-05",
    "it repeats what was refused for good",
    wait=_waits(0.02),
    retries=lambda failure: failure.transient or 400 <= (failure.status or 0) < 500,
)
_bug("no_timeout", "RES-06", "it waits as long as it takes", patience=lambda left: None)
_bug(
    "timeout_per_read",
    "RES-06",
    "its time limit begins anew with each byte",
    patience=lambda left: None,
    read_timeout_s=1.0,
)
_bug(
    "all_403_forbidden",
    "RES-13",
    "every 403 is a missing permission",
    at=(A,),
    refusal=lambda failure, body: (
        failure if failure.status != 403 else Failure("forbidden", "not allowed", reason="status_403", status=403)
    ),
)
_bug(
    "retry_all_403",
    "RES-13",
    "every 403 passes in a moment",
    at=(A,),
    wait=_waits(0.1),
    stops=lambda failure: False,
    retries=lambda failure: failure.transient or failure.status == 403,
)
_bug("fail_fast_all", "RES-11", "one kind that fails ends them all", isolates=False)
_bug(
    "drop_failed_kind_silently",
    "RES-11",
    "a list that is down is an empty list",
    reports=_unreported("unavailable"),
)
_bug(
    "give_up_until_restart",
    "RES-10",
    "after an outage it waits to be restarted",
    stops=lambda failure: failure.error_class == "unavailable",
)
_bug(
    "skip_failed_page",
    "RES-10",
    "what could not be read counts as read",
    at=(C,),
    marks_failed=True,
    since=lambda newest, asked: "ge" + instant(asked),
)
_bug("accept_truncated", "RES-07", "a body that was cut counts as empty", reports=_unreported("truncated"))
_bug("html_as_empty", "RES-08", "what it cannot read counts as empty", reports=_unreported("invalid_response"))
_bug("crash_on_bad_json", "RES-08", "a body that is no JSON ends the process", parse_error=False, catches=())
_bug("sleep_200ms", "LAT-01", "it sleeps before it works", pause_s=0.2)

# Writing
_bug(
    "blind_post_retry",
    "WB-04",
    "it sends a create again when the answer got lost",
    at=(E,),
    sends_again=lambda failure: failure.transient or failure.error_class == "timeout",
)
_bug(
    "generic_write_error",
    "WB-05",
    "every refused write is an internal error",
    at=(E,),
    told=lambda failure: Failure("internal", "the write failed"),
)
_bug(
    "retry_422",
    "WB-05",
    "it sends again what was refused for good",
    at=(E,),
    wait=_waits(0.02),
    sends_again=lambda failure: failure.error_class == "rejected",
)
_bug(
    "expect_body",
    "WB-06",
    "it looks for the new id in the body",
    at=(E,),
    id_of=lambda headers, body: str(loads(body)["id"]),
)
_bug("recreate_if_not_found", "WB-06", "it creates again what cannot be read at once", at=(E,), recreates=True)
_bug("write_in_readonly", "WB-08", "it writes where it may only read", at=(E,), heeds_mode=False)
_bug("success_is_201", "WB-10", "it takes a 201 for what it meant", at=(E,), reads_back=False)

# Secrets
_bug("verify_false", "SEC-01", "it accepts every certificate", trusts=_trusting)
_bug("no_hostname_check", "SEC-01", "it accepts a good certificate of another host", trusts=_of_any_name)
_bug("follow_http_downgrade", "SEC-01", "it follows a redirect out of TLS, with its token", follows=True)
_bug(
    "auth_on_any_host",
    "SEC-05",
    "its token goes wherever a link or a redirect leads",
    follows=True,
    stays_home=False,
)
_bug(
    "fetch_any_url",
    "SEC-09",
    "it calls whatever address an answer names",
    at=(E, C),
    stays_home=False,
    shows_token=lambda is_home: is_home,
)
_bug("no_client_cert", "SEC-02", "it keeps its certificate to itself", at=(E, C), shows_certificate=False)
_bug("allow_tls11", "SEC-02", "it speaks TLS 1.1 where that is all there is", trusts=_old)
_bug(
    "log_request_url", "SEC-03", "it logs the URL of every call", leaks=lambda url, headers, body, failure: {"url": url}
)
_bug(
    "log_body_on_error",
    "SEC-03",
    "it logs the body of what failed",
    leaks=lambda url, headers, body, failure: {"body": body.decode("utf-8", "replace")} if failure else {},
)
_bug(
    "log_authorization",
    "SEC-04",
    "it logs the headers that it sends",
    leaks=lambda url, headers, body, failure: {"headers": dict(headers)},
)
_bug(
    "token_in_query",
    "SEC-06",
    "it puts its token into the URL too",
    data_url=lambda url, token: f"{url}{'&' if '?' in url else '?'}access_token={token}",
)
_bug(
    "error_string_only",
    "OBS-02",
    "of an error it tells a sentence",
    entry=lambda error: {name: error[name] for name in ("class", "retryable", "message", "kind") if name in error},
)
_bug(
    "wrong_retryable",
    "OBS-02",
    "whatever failed is worth another try",
    entry=lambda error: error | {"retryable": True},
)
_bug(
    "silent_drop",
    "OBS-01",
    "every fifth record gets lost",
    output=lambda kind, records: [one for index, one in enumerate(records) if index % 5 != 4],
)

# Another version of the vendor
_bug(
    "strict_parser",
    "DRIFT-01",
    "a resource with an element that it does not know is no resource",
    at=(E, C),
    accepts=_has_only_known_elements,
)
_bug("stale_cache_value", "DRIFT-06", "what is not told any more is as it was last told", output=_remembering())
_bug(
    "positional_fallback",
    "DRIFT-06",
    "who has no birth date was born at the beginning of the last century",
    output=_of("patient", birthDate=lambda one: one["birthDate"] or {"value": "1900-01-01", "precision": "day"}),
)
_bug(
    "needs_operation_outcome",
    "DRIFT-05",
    "a refusal without an OperationOutcome is an answer that it cannot read",
    at=(E, C),
    refusal=lambda failure, body: (
        failure
        if b'"OperationOutcome"' in body
        else Failure("invalid_response", "no outcome", reason="not_outcome", status=failure.status)
    ),
)
_bug("enum_crash", "DRIFT-02", "a word that it does not know ends the reading of a kind", unknown=_crashed)
_bug(
    "unknown_to_default",
    "DRIFT-02",
    "what it does not know is active, final, confirmed",
    unknown=lambda field, word: _DEFAULTS.get(field, "active" if field == "clinicalStatus" else "completed"),
)
_bug("int_ids", "DRIFT-03", "of an id it keeps the digits", output=_own_id(lambda id: re.sub(r"\D", "", id) or "0"))
_bug("lowercase_ids", "DRIFT-03", "it writes ids in small letters", output=_own_id(str.lower))
_bug("assume_array", "DRIFT-03", "it takes a text for the list of its letters", at=(E, C), shaped=_pieces)
_bug("truthy_false_string", "DRIFT-03", 'the text "false" is true', truth=bool)
_bug("exact_content_type", "DRIFT-04", "it reads two media types and no other", reads=_is_of_known_type)
_bug(
    "case_sensitive_headers",
    "DRIFT-04",
    "it looks for content-type in small letters",
    reads=lambda headers: any(name == b"content-type" for name, _ in headers),
)
_bug("metadata_required", "DRIFT-04", "without a CapabilityStatement it reads nothing", needs_metadata=True)
_bug(
    "smart_block_required",
    "DRIFT-04",
    "it reads nothing where the CapabilityStatement does not say how to log in",
    at=(E,),
    statement=lambda told: "security" in told["rest"][0],
)
