"""What of an Epic site can be switched: where sites differ, and where bodies leave the standards on purpose.

Each is a setting of `VENDOR.defaults`; what has a control call of its own (glass, sub-resources, assertion rules) is
not among them.
"""

from __future__ import annotations

from simulator.switch import Switch
from simulator.vendors.epic import licences
from simulator.vendors.epic.deviations import DEVIATIONS
from simulator.vendors.epic.params import INTERACTIONS
from simulator.vendors.epic.sources import source

_OF_DEVIATIONS = {"word_codes": ("E17",), "scans": ("E19",), "smoking_period": ("E41",), "padded_ids": ("E11",)}
SWITCHES: tuple[Switch, ...] = (
    Switch(
        "refinements",
        "whether search parameters without documentation narrow a search, or are ignored",
        source("guess", "DIBBS", "SPEC", but="that a site still ignores them"),
        ("applied", "ignored"),
        traps=("E5",),
    ),
    Switch("post_search", "the types that are searched by POST; none: all", source("seen", "DIBBS"),
           tuple(sorted(INTERACTIONS))),
    Switch("max_page", "the largest page", source("guess", "MAP", but="the largest is not established"), least=1,
           traps=("E2",)),
    Switch("rotate_refresh", "whether a refresh gives another refresh token", source("doc", "OAUTH"), traps=("E26",)),
    Switch("propagation_s", "seconds until a new registration is known to the token endpoint", source("seen", "HSK")),
    Switch("granted_words", "how the scopes of a backend service are worded in the token answer",
           source("seen", "FS", "MAP"), ("v1", "v2"), traps=("E27",)),
    Switch("dynamic_clients", "whether apps may register a client for each installation", source("seen", "MERE")),
    Switch("oauth_root", "what stands before /oauth2", source("seen", "BASES"),
           shape=r"(/[A-Za-z0-9._-]+)+", traps=("E28",)),
    Switch("oauth_host", "the host of OAuth; empty: that of FHIR", source("seen", "BASES"),
           shape=r"[A-Za-z0-9.-]*", traps=("E28",)),
    Switch("trailing_slash", "whether the FHIR base is told with a slash at its end", source("seen", "BASES"),
           traps=("E31",)),
    Switch("fhir_version", "the version that the CapabilityStatement says", source("seen", "FLEET"), ("4.0.1", "4.0.0"),
           traps=("E31",)),
    Switch("smart_block", "whether the CapabilityStatement says where OAuth is", source("seen", "FLEET"),
           traps=("E31",)),
    Switch(licences.SETTING, "the types that the site has no licence for", source("guess", "CS", "FS"),
           tuple(sorted(INTERACTIONS)), traps=("E46",)),
    Switch("create_location", "what `Location` holds after a create", source("guess", "MAP"),
           ("absolute", "path", "relative"), traps=("E21",)),
    Switch("vitals_need_encounter", "whether vital signs are filed to an encounter only", source("guess", "SPEC")),
    Switch("refuse_duplicates", "the types of which nothing is kept twice", source("guess", "ERRGUIDE"),
           ("AllergyIntolerance", "Patient"), traps=("E23",)),
    Switch("closes_after_h", "hours after its end in which an encounter can be written to", source("guess", "SPEC")),
    Switch("user_warnings", "whether a search warns of parts that the user lacks (59205)", source("seen", "FS", "MAP"),
           traps=("E45",)),
    Switch("outside_records", "whether it warns of parts called Outside Record", source("seen", "FS", "MAP"),
           traps=("E45",)),
    Switch("sex_extension", "the extension that the sex of a patient stands in", source("seen", "FHIRPY", "FS"),
           ("us-core-sex", "us-core-birthsex")),
    Switch("server_zone", "the zone of dates without one", source("guess", "CS"),
           ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "UTC"), traps=("E36",)),
    Switch("procedure_order_h", "hours until an order that a web service placed is done",
           source("guess", "WSIDX", but="nothing public says how orders go on")),
    Switch("bulk_window_s", "seconds in which a client exports a group once; 0: as often as it likes",
           source("doc", "BULKDOC"), traps=("E30",)),
    Switch("bulk_file_lines", "lines of a file of an export at most", source("doc", "BULKDOC"), least=1,
           traps=("E30",)),
    Switch("bulk_patient_s", "seconds that an export works at a patient", source("guess", "CUMULUS"), traps=("E30",)),
    Switch("bulk_refusal_status", "how an export that comes too soon is refused", source("guess", "BULKDOC"),
           (400, 429), traps=("E30",)),
    Switch("bulk_retry_after_s", "Retry-After while an export runs; 0: none", source("seen", "GN", "CUMULUS"),
           traps=("E30",)),
    *(
        Switch(one.setting, f"whether {one.says}", one.source, traps=_OF_DEVIATIONS.get(one.setting, ()))
        for one in DEVIATIONS
    ),
)  # fmt: skip
