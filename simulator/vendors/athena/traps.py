"""What hurts integrations most here, each built and each shown by a test."""

from __future__ import annotations

from simulator.source import Source, Trap

_RECORDINGS = "public recordings of athenaOne replies 2016-2023 (zywy/athena_health, HTD-Health clients)"
_GO = "eleanorhealth/go-athenahealth, resources and commit log"
_DOCS = "docs.athenahealth.com/api"
_CS = "athenahealth FHIR CapabilityStatement as captured 2026-08"

TRAPS: tuple[Trap, ...] = (
    Trap("A01", "one patient is an array of one", Source(_RECORDINGS, "seen")),
    Trap("A02", "the same field is a string in one endpoint and a number or boolean in another", Source(_GO, "seen")),
    Trap("A03", "medications are a list of lists, vitals have readings in readings", Source(_RECORDINGS, "seen")),
    Trap(
        "A04",
        "weights are grams with long decimals, temperatures degrees Fahrenheit, both strings, most vitals without unit",
        Source(_RECORDINGS, "seen"),
    ),
    Trap(
        "A05",
        "times are local to the department, without offset; its zone goes by an old alias",
        Source(_RECORDINGS, "seen"),
    ),
    Trap(
        "A06",
        "`next` is a path with upper-case parameters that starts again at /v1/{practice}",
        Source(_RECORDINGS, "seen"),
    ),
    Trap(
        "A07",
        "a patient search that finds more than 1000 is refused with 400, whatever the page",
        Source("public athenaOne clients that match the sentence", "seen"),
    ),
    Trap(
        "A08",
        "every chart call needs a departmentid of the patient's chart sharing group",
        Source(_DOCS + " parameter texts", "doc"),
    ),
    Trap(
        "A09",
        "a JSON body is not an error, its fields are not seen: missingfields names what was sent",
        Source("apiserver-athenaFlex issue 325", "seen"),
    ),
    Trap(
        "A10",
        "errors begin with two newlines; success and error differ in their media type",
        Source(_RECORDINGS, "seen"),
    ),
    Trap(
        "A11",
        "a practice that was not granted answers 401, which no new token cures",
        Source(_DOCS + "/guides/checking-api-status", "doc"),
    ),
    Trap(
        "A12",
        "an expired token is answered with HTML, status 401 and an error code that says 403",
        Source(_RECORDINGS, "seen"),
    ),
    Trap(
        "A13",
        "over a quota the gateway says 403, told from a missing permission by a header only",
        Source("Mashery gateways in general", "guess"),
    ),
    Trap(
        "A14",
        "50 token requests a minute (in preview 5), then 429 without Retry-After",
        Source(_DOCS + "/guides/authentication-and-url-locations", "doc"),
    ),
    Trap("A15", "the token reply has `expires_in` as a string and no token_type", Source(_RECORDINGS, "seen")),
    Trap(
        "A16",
        "creating a patient who is known gives that patient's id back with 200",
        Source(_DOCS + "/api-ref/patient", "doc"),
    ),
    Trap(
        "A17",
        "the state of a problem hides in its events, and ended ones are left out unless asked for",
        Source(_RECORDINGS, "seen"),
    ),
    Trap(
        "A18",
        "an empty allergy list means none known only with nkda; allergens often have no code",
        Source(_RECORDINGS, "seen"),
    ),
    Trap(
        "A19",
        "the LOINC of a single test stands on the result, not on its analyte; values are strings with comparators",
        Source(_GO, "seen"),
    ),
    Trap("A20", "social security numbers are masked: `*****1234` is no identifier", Source(_RECORDINGS, "seen")),
    Trap(
        "A21",
        "RxNorm codes come only with showrxnorm=true; `route` is how the order travelled",
        Source(_DOCS + " parameter texts", "doc"),
    ),
    Trap(
        "A22",
        "FHIR searches want ah-practice and certain combinations: family with birthdate, patient with intent",
        Source(_CS, "seen"),
    ),
    Trap(
        "A23",
        "FHIR ids hold a dot and dashes, a-195900.E-60178; a bare number is a 400",
        Source("apiserver-athenaFlex issue 378", "seen"),
    ),
    Trap("A24", "an OperationOutcome's details is a string", Source("apiserver-athenaFlex issue 378", "seen")),
    Trap(
        "A25",
        "a wrong FHIR search is answered 200 with a bundle that holds only an outcome",
        Source("apiserver-athenaFlex issue 252", "seen"),
    ),
    Trap(
        "A26",
        "FHIR vital signs have a day, no time; drugs are references, some sigs are only text",
        Source("public athena FHIR payloads", "seen"),
    ),
    Trap("A27", "_lastUpdated takes days only", Source(_CS, "seen")),
    Trap(
        "A28",
        "what the gateway does not route answers 404 with a bare sentence labelled JSON",
        Source("probes of the platform, 2026-08", "seen"),
    ),
    Trap(
        "A29",
        "appointment states are letters, and somebody who did not come is `x`, a cancellation, with a flag elsewhere",
        Source(_GO, "seen"),
    ),
    Trap(
        "A30",
        "open slots are empty, not refused, without a type or a reason, and leave out the next 24 hours",
        Source(_DOCS + " parameter texts", "doc"),
    ),
    Trap(
        "A31",
        "a booked slot keeps its number, but turns from a number into a string; a second booking is 409",
        Source(_RECORDINGS, "seen"),
    ),
    Trap(
        "A32",
        "a patient's appointments and insurances leave out what is past or cancelled unless asked for",
        Source(_RECORDINGS, "seen"),
    ),
    Trap(
        "A33",
        "each class of document calls its id differently, and encounter documents have pages but no original",
        Source("list of calls of the developer portal", "doc"),
    ),
    Trap(
        "A34",
        "FHIR finds appointments by their id only: which there are, REST alone tells",
        Source(_CS, "seen"),
    ),
)
