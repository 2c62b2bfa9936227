"""The habits of Epic that integrations stumble over; a number that is missing stands for a habit not simulated yet."""

from __future__ import annotations

from simulator.source import Trap
from simulator.vendors.epic.sources import source

TRAPS: tuple[Trap, ...] = (
    Trap("E1", "XML unless `Accept` names JSON; `*/*` does not", source("seen", "MAP", "FS")),
    Trap(
        "E2",
        "`total` counts the page; `next` holds a `sessionID` and nothing of the query",
        source("seen", "MAP", "FS"),
    ),
    Trap("E3", "the last entry of a searchset is an OperationOutcome", source("seen", "FS", "MAP")),
    Trap("E4", "an empty search has one entry", source("seen", "MAP", "FS")),
    Trap(
        "E5",
        "unknown and misspelt parameters are ignored; so is `MedicationRequest.code`, although it is declared",
        source("seen", "MAP", "DIBBS"),
    ),
    Trap("E6", "one demographic alone finds no patient although some match", source("seen", "MAP")),
    Trap(
        "E7",
        "Observation without category or code is refused; that other parameters were ignored is said first",
        source("seen", "FS", "YP", "MAP"),
    ),
    Trap("E8", "a path that Epic does not have is an HTML page", source("seen", "MAP", "FS")),
    Trap("E9", '403 has no body, 401 has the body `""`', source("seen", "FS", "MAP")),
    Trap(
        "E10",
        "ids hold `.` and `-`, have up to 64 letters, and their letter case counts",
        source("seen", "FS", "MAP"),
    ),
    Trap(
        "E11",
        "the internal id has leading blanks, no identifier is typed MR, the record number is EPI",
        source("seen", "MAP", "FS"),
    ),
    Trap("E12", "the name comes twice, as official and as usual", source("seen", "MAP", "FS")),
    Trap("E13", "vital signs carry several LOINC codes, 8716-3 among them and often first", source("seen", "MAP")),
    Trap(
        "E14",
        "results without a unit, units without a code, ranges as text only, findings as strings",
        source("seen", "MAP"),
    ),
    Trap("E15", "three doses per order, of which `ordered` is the dose", source("seen", "FS", "MAP")),
    Trap("E16", '"Not on File" is an AllergyIntolerance', source("seen", "FS")),
    Trap("E17", "SNOMED's system with a word as code", source("seen", "MAP")),
    Trap(
        "E18",
        "a problem comes again as the diagnosis of every visit that was about it",
        source("seen", "MAP", but="that every such visit has one"),
    ),
    Trap("E19", "scans have an attachment without address and type", source("seen", "MAP")),
    Trap("E20", "a note has two attachments, HTML and RTF, which say the same", source("seen", "MAP")),
    Trap("E21", "the answer to a create has no body, and the id in `Location` alone", source("seen", "MAP")),
    Trap(
        "E22",
        "what is read back is not what was filed: another category, no phone, Epic's own codes",
        source("seen", "MAP"),
    ),
    Trap("E23", "no conditional create: what is sent again after a timeout is there twice", source("seen", "CS")),
    Trap(
        "E24",
        "the token endpoint says `invalid_client` whatever is wrong, and a description that is null",
        source("seen", "HSK", "CLIENTJS"),
    ),
    Trap(
        "E25",
        "assertions: no reuse of `jti`, five minutes, exact `aud`, no future `iat`",
        source("doc", "OAUTH"),
        by="PUT …/vendors/epic/assertion-rules",
    ),
    Trap(
        "E30",
        "an export outlives its token; truth values are strings, files hold 3,000 lines, a group is "
        "exported once a day",
        source("doc", "BULKDOC"),
    ),
    Trap("E27", "granted scopes: more than asked, another order, mixed letter case", source("seen", "FS")),
    Trap("E26", "a refresh gives no other refresh token: keep the first", source("seen", "FS")),
    Trap(
        "E28",
        "OAuth can be below another prefix than FHIR, or on another host: discovery says where",
        source("seen", "BASES", but="which sites is not simulated: the settings oauth_root and oauth_host"),
    ),
    Trap(
        "E29",
        "a chart behind the glass is 403 with 4130 until somebody says why",
        source("guess", "ERRGUIDE", "REDCAP", but="the number is second hand, what opens it is seen"),
        by="PUT …/vendors/epic/glass",
    ),
    Trap(
        "E31",
        "bases end with a slash, statements say 4.0.0 or not where OAuth is",
        source("seen", "BASES", "FLEET", but="the settings trailing_slash, fhir_version and smart_block"),
    ),
    Trap(
        "E32",
        "503 is a page of the machine, without an outcome and without Retry-After",
        source("guess", "FLEET", but="50 sites answered 503; what the page says is ours"),
        by="POST …/faults (maintenance_page)",
    ),
    Trap(
        "E33",
        "the id of a patient who was merged redirects to the survivor, with 4107",
        source("guess", "ERRGUIDE", but="the number is second hand, status and form are ours"),
    ),
    Trap("E34", "no ETag, no lastUpdated; a misspelt `E-Tag` on patients", source("seen", "FS")),
    Trap(
        "E35",
        "the same id reads differently for a patient's token: staff without names, drugs in plain words",
        source("seen", "FS"),
    ),
    Trap("E36", "dates without a zone are the server's local time, answers are UTC", source("doc", "CS")),
    Trap("E37", "beside `_id` every other parameter is ignored", source("doc", "CS")),
    Trap("E38", "a name search also gives names that sound alike, aliases and nicknames", source("doc", "CS")),
    Trap("E39", '`need_patient_banner` is a string: "false" is true to who asks naively', source("doc", "OAUTH")),
    Trap("E40", "old visits are still in progress; classes are Epic's own", source("seen", "MAP")),
    Trap("E41", "a smoking status is dated on the day of the request", source("seen", "FS")),
    Trap(
        "E42",
        "ids of DSTU2 are not known to R4; the identifier of type FHIR leads from one to the other",
        source("seen", "MAP", "FS"),
    ),
    Trap(
        "E43",
        "drugs by reference only, RxNorm codes without display, ingredient and product mixed",
        source("seen", "FS", "MAP"),
    ),
    Trap(
        "E45",
        "registrations hold parts of a type: what is not held is left out with a warning beside a 200",
        source("seen", "FS", "MAP"),
        by="PUT …/vendors/epic/clients/{client}/sub-resources",
    ),
    Trap(
        "E46",
        "types that the statement lists are 403 with an empty body where the site has no licence for them",
        source("guess", "CS", "FS", but="the 403 is that of an app without the right; the setting unlicensed"),
    ),
    Trap(
        "E47",
        "a report is coded in LOINC without words, and in a code of the site that stands under CPT's name",
        source("seen", "MAP"),
    ),
)
