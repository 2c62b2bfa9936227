"""The choices at which integrations go wrong. The defaults are the right ones; a mutant replaces one of them."""

from __future__ import annotations

import hashlib
import secrets
import ssl
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from conformance.reference.failure import Failure
from conformance.reference.shapes import shaped, truth_of
from conformance.reference.trust import careful

CALL_TIMEOUT_S = 10.0
Json = dict[str, Any]
Params = list[tuple[str, str]]


def _as_it_is(thing: Json, _config: object) -> Json:
    return thing


def _is_transient(failure: Failure) -> bool:
    return failure.transient


def wait_of(failure: Failure, attempt: int, draw: float) -> float:
    """Seconds until the next attempt: what the vendor asks for, else up to 0.8 s, 1.6 s, 3.2 s, half of it by chance.

    Full jitter would spread better still, but its waits may shrink from one attempt to the next, and a throttled caller
    must become slower. `draw` is in [0, 1).
    """
    if failure.retry_after_s is not None:
        return failure.retry_after_s + 0.05 * draw
    return float(min(30.0, 0.4 * 2 ** (attempt - 1)) * (1 + draw))


def label_of(text: str | None, displays: list[str]) -> str | None:
    """The words for a concept: what the user picked, else the first display of a code."""
    return text or next(iter(displays), None)


def is_over(thing: Json) -> bool:
    """Whether a name, address, phone or identifier is one of former times."""
    return thing.get("use") == "old" or "end" in thing.get("period", {})


def name_of(names: list[Json]) -> Json:
    """The official name of those in force, else the first of these."""
    valid = [name for name in names if not is_over(name)]
    return next((name for name in valid if name.get("use") == "official"), next(iter(valid), {}))


def is_match(entry: Json, type: str) -> bool:
    """Whether an entry of a searchset is a result, not something included or said beside it."""
    mode: str = entry.get("search", {}).get("mode", "match")
    return mode == "match" and bool(entry.get("resource", {}).get("resourceType") == type)


def is_withdrawn(resource: Json) -> bool:
    """Whether a resource says that it was entered in error."""
    verification = (resource.get("verificationStatus") or {}).get("coding") or [{}]
    return "entered-in-error" in (resource.get("status"), *(one.get("code") for one in verification))


def id_in_location(headers: Mapping[str, str], body: bytes) -> str:
    """The id at the end of Location, in whichever form; the body of a create may be empty.

    Raises:
        Failure: there is none: something was created, and nobody knows what.
    """
    place = headers.get("Location", "").partition("/_history/")[0].rstrip("/")
    if not place:
        raise Failure("invalid_response", "a create without Location", reason="no_location")
    return place.rpartition("/")[2]


def chosen(found: list[Json], told: Json) -> list[Json]:
    """Those of the found who are certainly meant: by number and its system where one is told, else by family, given
    name and birth date as they are spelt. More than one: a person must decide."""
    if told.get("mrn"):
        system = told.get("mrn_system")
        return [one for one in found if any(_is_number(held, told["mrn"], system) for held in one["identifiers"])]
    return [one for one in found if _is_called(one, told)]


def _is_number(held: Json, number: str, system: str | None) -> bool:
    return bool(held["value"] == number and system in (None, held.get("system")))


def _is_called(record: Json, told: Json) -> bool:
    name, born = record["name"], record["birthDate"] or {}
    names = (name["family"], *name["given"][:1])
    is_named = [str(one).casefold() for one in names] == [told["family"].casefold(), told["given"].casefold()]
    return is_named and born.get("value") == told["birth_date"]


def s256(verifier: str) -> Json:
    """What is sent ahead of a verifier: its hash. Source: RFC 7636 section 4.2."""
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return {"code_challenge": challenge, "code_challenge_method": "S256"}


OVERLAP = timedelta(minutes=10)
"""A transaction may be seen this long after its timestamp; what is read twice is one record all the same."""


def since(newest: datetime, asked: datetime) -> str:
    """From when on changes are asked for: by the vendor's clock, and what was under way then once more."""
    return "ge" + instant(newest - OVERLAP)


def instant(at: datetime) -> str:
    """A moment as servers take it in a search."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Behaviour:
    """One integration's habits.

    login      assertion_claims, assertion_header, token_request: last touch on what is sent to the token endpoint;
               fresh_assertion: sign anew for each attempt; renews: is this token too old; renews_at_start: look at its
               age only when a run begins; takes: is what was granted enough, by what was asked for; remembers: what was
               refused for want of a scope is not asked for again; replays: replays after a 401; keeps_refused: present
               the refused token again; shares_login: who finds the token too old waits for the one who renews it;
               token_key, resource_key: under which key tokens and resources are kept for other cases (empty: nowhere)
    people     state: what somebody is sent away with; challenge: what is sent ahead of a verifier (nothing: no PKCE);
               checks_state: who comes back with another state is not let in; knows: is the server that is named (first)
               ours (second); refresh, context: the refresh token and the patient that are kept, of the one held and
               the one that was told
    retry      attempts, retries: is this failure worth another attempt; wait: seconds before it; stops: does
               this failure end the traffic for a while; patience: seconds
               that a whole call may take, by those that are left (None: for ever); read_timeout_s: for the next byte
    paging     goes_on: read beyond page n; is_whole: is the list whole after this page, with so many entries held;
               follows_circles: a link that leads back is followed; next_url: what is called for a next link; is_match:
               does an entry count; restarts: new starts of a search whose page link died; key: what an entry is
               known by, from its id and its place: one that comes again is the same
    changes    since: which changes are asked for, from the newest that is held and our clock at the last sync (empty:
               everything); deletes: what was held and is not listed any more is deleted;
               retracts: what was taken back is told as deleted; marks_failed: a kind that failed counts as read
    requests   accept: the media types that are asked for, from those of the dialect; query: parameters on the wire;
               data_url: last touch on a URL; stays_home: no call leaves the origins that were configured;
               shows_token: where credentials go, home or elsewhere
    identity   follows_merges: who was merged away is read as the survivor; distrusts: rows that were not asked for are
               left out; heeds_subject: so are resources of another patient; seeks: what of a description is searched
               by; chosen: who of those found is the one; registers: who is not found is created
    transport  trusts: the TLS context for a file of authorities; shows_certificate: the client's own, where it has one;
               follows: is a redirect followed, token and all; reads: do an answer's headers, as they came, let it be
               read; needs_metadata: no run without a CapabilityStatement; statement: is one good enough (None: nobody
               looks)
    meaning    shaped: a resource in the shape that R4 gives it; accepts: is a resource or row readable; truth: what a
               truth value says; time: a time as it is told; content: the bytes of an attachment; number, unit, label;
               named: which of several names a person has; drug_behind: a drug is read where the order points at it;
               repeats: a problem is kept as often as it is told; is_withdrawn: was it entered in error; unknown: what
               a field says whose word nobody knows; output: the records of one kind as they leave
    failures   refusal: what a status and its body mean; entry: an error as it leaves; isolates: a kind that fails
               leaves the others alone; reports: is this failure told; catches: what does not end the process;
               parse_error: is bad JSON a Failure
    writing    sends_again: is a create that failed certainly not done; id_of: the id of what was created, from headers
               and body; recreates: create again when it cannot be read; heeds_mode: nothing is sent where nothing may
               be written; reads_back: compare what was kept; told: the failure as it is reported
    the rest   leaks: what is logged in clear; pause_s: idle time per operation
    """

    assertion_claims: Callable[[Json, Any], Json] = _as_it_is
    assertion_header: Callable[[Json, Any], Json] = _as_it_is
    token_request: Callable[[Json, Any], Json] = _as_it_is
    fresh_assertion: bool = True
    renews: Callable[[float, float], bool] = lambda now, good_until: now >= good_until
    renews_at_start: bool = False
    takes: Callable[[str, str], bool] = lambda asked, granted: True
    remembers: bool = True
    replays: int = 1
    keeps_refused: bool = False
    shares_login: bool = True
    token_key: Callable[[Json], str] = lambda auth: ""
    resource_key: Callable[[str, str], str] = lambda type, id: ""

    state: Callable[[], str] = lambda: secrets.token_urlsafe(32)
    challenge: Callable[[str], Json] = s256
    checks_state: bool = True
    knows: Callable[[str, str], bool] = lambda named, own: named == own
    refresh: Callable[[str | None, str | None], str | None] = lambda held, told: told or held
    context: Callable[[str | None, str | None], str | None] = lambda held, told: told

    patience: Callable[[float], float | None] = lambda left: min(CALL_TIMEOUT_S, left)
    read_timeout_s: float | None = None  # one that bounds each read only would let a drip pass
    attempts: int = 4
    retries: Callable[[Failure], bool] = _is_transient
    wait: Callable[[Failure, int, float], float] = wait_of
    stops: Callable[[Failure], bool] = lambda failure: failure.reason == "over_quota"

    goes_on: Callable[[int], bool] = lambda page: True
    is_whole: Callable[[Json, int], bool] = lambda page, held: False
    follows_circles: bool = False
    next_url: Callable[[str, str], str] = lambda link, current: link
    is_match: Callable[[Json, str], bool] = is_match
    restarts: int = 1
    key: Callable[[str, int], str] = lambda id, place: id

    since: Callable[[datetime, datetime], str] = since
    deletes: bool = False
    retracts: bool = True
    marks_failed: bool = False

    accept: Callable[[str], str] = lambda media: media
    query: Callable[[Params], str] = urlencode
    data_url: Callable[[str, str], str] = lambda url, token: url
    stays_home: bool = True
    shows_token: Callable[[bool], bool] = lambda is_home: True

    trusts: Callable[[str | None], ssl.SSLContext] = careful
    shows_certificate: bool = True
    follows: bool = False
    reads: Callable[[list[tuple[bytes, bytes]]], bool] = lambda headers: True
    needs_metadata: bool = False
    statement: Callable[[Json], bool] | None = None

    shaped: Callable[[Json], Json] = shaped
    accepts: Callable[[Json], bool] = lambda thing: True
    truth: Callable[[Any], bool] = truth_of
    time: Callable[[str], str] = lambda text: text
    content: Callable[[bytes], bytes] = lambda data: data
    number: Callable[[Decimal], str] = lambda value: format(value, "f")
    unit: Callable[[Mapping[str, str]], str | None] = lambda quantity: quantity.get("code")
    label: Callable[[str | None, list[str]], str | None] = label_of
    named: Callable[[list[Json]], Json] = name_of
    drug_behind: bool = True
    repeats: bool = False
    is_withdrawn: Callable[[Json], bool] = is_withdrawn
    unknown: Callable[[str, str], str] = lambda field, word: "unknown"
    output: Callable[[str, list[Json]], list[Json]] = lambda kind, records: records

    sends_again: Callable[[Failure], bool] = lambda failure: failure.status in (429, 503)
    id_of: Callable[[Mapping[str, str], bytes], str] = id_in_location
    recreates: bool = False
    heeds_mode: bool = True
    reads_back: bool = True
    told: Callable[[Failure], Failure] = lambda failure: failure

    refusal: Callable[[Failure, bytes], Failure] = lambda failure, body: failure
    follows_merges: bool = True
    distrusts: bool = True
    heeds_subject: bool = True
    seeks: Callable[[Json], Json] = lambda told: told
    chosen: Callable[[list[Json], Json], list[Json]] = chosen
    registers: bool = False

    isolates: bool = True
    entry: Callable[[Json], Json] = lambda error: error
    reports: Callable[[Failure], bool] = lambda failure: True
    catches: tuple[type[BaseException], ...] = (Exception,)
    parse_error: bool = True
    leaks: Callable[[str, Mapping[str, str], bytes, Failure | None], Json] = lambda url, headers, body, failure: {}
    pause_s: float = 0.0
