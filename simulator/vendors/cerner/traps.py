"""The habits that integrations stumble over; a number that is missing stands for a habit not simulated yet."""

from __future__ import annotations

from simulator.source import Mark, Trap
from simulator.vendors.cerner.sources import source


def _trap(number: str, says: str, mark: Mark, *keys: str, but: str = "") -> Trap:
    return Trap(f"cerner-{number}", says, source(mark, *keys, but=but))


TRAPS: tuple[Trap, ...] = (
    _trap("01", "tokens live 570 seconds, although the claim inside says 600", "seen", "M", "T"),
    _trap("03", "access tokens are encrypted: five parts, nothing to decode", "seen", "Y"),
    _trap(
        "04",
        "scopes that are not registered, or spelled in the other version, are dropped without a word",
        "seen",
        "M",
        "Y",
        "DA",
    ),
    _trap("05", "token errors have no error_description but a URN inside error_uri", "seen", "M", "T", "Y"),
    _trap("06", "errors come as OperationOutcome, as gateway JSON, as plain text and as HTML", "seen", "M", "Y", "C"),
    _trap("07", "searches list what was entered in error", "seen", "M"),
    _trap("08", "a Condition entered in error has no clinicalStatus", "seen", "M"),
    _trap("09", "status texts say Proposed beside the code active, Canceled beside entered-in-error", "seen", "M"),
    _trap("10", "the first coding is proprietary", "seen", "M"),
    _trap("11", "each blood pressure component carries the code of the whole panel as well", "seen", "M"),
    _trap("12", "some blood pressures have one half only", "seen", "M"),
    _trap("13", "a quantity repeats itself in other units before its own value", "seen", "M"),
    _trap("14", "some units have words and no code, some quantities have no unit", "seen", "M"),
    _trap("15", "a vaccination day is midnight UTC told in server time: it reads as the day before", "seen", "M"),
    _trap("16", "instants come in four spellings", "seen", "M"),
    _trap("17", "what the patient reported stands among the orders, as intent plan without a requester", "seen", "M"),
    _trap("18", "the dose of a solution is its concentration", "seen", "M"),
    _trap("19", "one document has up to three attachments", "seen", "M"),
    _trap("20", "a Binary is refused with Accept: application/json", "doc", "D"),
    _trap("21", "one official name stands before old ones", "seen", "M"),
    _trap("22", "a record number that ended stands before the one that is valid", "seen", "M"),
    _trap("23", "one identifier has no system", "seen", "M"),
    _trap("24", "a combined patient answers 200, nameless, with a link to the survivor", "doc", "D"),
    _trap("26", "page contexts are opaque and spelled differently for each type", "seen", "M"),
    _trap("27", "an entry comes again on the next page", "doc", "D"),
    _trap("28", "Condition, AllergyIntolerance and Immunization are never paged", "seen", "M"),
    _trap("29", "a Bundle has no total", "seen", "M"),
    _trap(
        "30",
        "an empty Bundle has no entry member",
        "guess",
        but="no capture holds an empty Bundle: what it looks like is ours",
    ),
    _trap("31", "one bad record turns a whole search into 500", "doc", "D"),
    _trap("33", "more than 1,000 patients are refused with 422", "doc", "D"),
    _trap("34", "an unknown type is 404, as an unknown id is", "doc", "D", "M"),
    _trap("39", "version ids and ETags are no integers", "seen", "M", "D"),
    _trap("46", "a tenant need not be a UUID", "seen", "MF"),
    _trap("47", "the token URL has two forms, and the classic one can go", "seen", "E", "M"),
    _trap("53", "text needs escaping: the narrative is XHTML", "seen", "M"),
    _trap("54", "an old name can hold the letter NUL", "seen", "M"),
    _trap("56", "PKCE need not be announced", "seen", "MF"),
    _trap("59", "the next link of appointments and slots drops what was asked", "doc", "D"),
    _trap("61", "Condition?encounter= gives every problem of the patient as well", "doc", "D"),
    _trap("62", "blood pressure is found by 85354-9 only", "doc", "D"),
    _trap("63", "the last day of a coverage reads as the day after", "doc", "D"),
    _trap("64", "a coverage comes again for every encounter, under another id", "doc", "D"),
    _trap("65", "procedures of surgical cases are words without a code", "doc", "D"),
    _trap("66", "a procedure has a period, a moment or no time at all", "seen", "M"),
    _trap("67", "appointments are not found without a date that has a time", "doc", "D", "M"),
)
