"""The habits that integrations stumble over, by their number in the dossier's catalogue (section 9)."""

from __future__ import annotations

from simulator.source import Mark, Source, Trap


def _trap(number: str, says: str, where: str, mark: Mark) -> Trap:
    return Trap(f"cerner-{number}", says, Source(f"dossier {where}", mark))


TRAPS: tuple[Trap, ...] = (
    _trap("01", "tokens live 570 seconds, although the claim inside says 600", "2.4", "seen"),
    _trap("03", "access tokens are encrypted: five parts, nothing to decode", "2.6", "seen"),
    _trap(
        "04",
        "scopes that are not registered, or spelled in the other version, are dropped without a word",
        "2.3",
        "seen",
    ),
    _trap("05", "token errors have no error_description but a URN inside error_uri", "2.5", "seen"),
    _trap("06", "errors come as OperationOutcome, as gateway JSON, as plain text and as HTML", "2.7", "seen"),
    _trap("07", "searches list what was entered in error", "3.7", "seen"),
    _trap("08", "a Condition entered in error has no clinicalStatus", "3.7", "seen"),
    _trap("09", "status texts say Proposed beside the code active, Canceled beside entered-in-error", "3.7", "seen"),
    _trap("10", "the first coding is proprietary", "3.6", "seen"),
    _trap("11", "each blood pressure component carries the code of the whole panel as well", "3.7", "seen"),
    _trap("12", "some blood pressures have one half only", "3.7", "seen"),
    _trap("13", "a quantity repeats itself in other units before its own value", "3.7", "seen"),
    _trap("14", "some units have words and no code, some quantities have no unit", "3.7", "seen"),
    _trap("15", "a vaccination day is midnight UTC told in server time: it reads as the day before", "3.7", "seen"),
    _trap("16", "instants come in four spellings", "3.6", "seen"),
    _trap("17", "what the patient reported stands among the orders, as intent plan without a requester", "3.7", "seen"),
    _trap("18", "the dose of a solution is its concentration", "3.7", "seen"),
    _trap("21", "one official name stands before old ones", "3.7", "seen"),
    _trap("22", "a record number that ended stands before the one that is valid", "3.7", "seen"),
    _trap("23", "one identifier has no system", "3.7", "seen"),
    _trap("24", "a combined patient answers 200, nameless, with a link to the survivor", "3.7", "doc"),
    _trap("26", "page contexts are opaque and spelled differently for each type", "3.5", "seen"),
    _trap("27", "an entry comes again on the next page", "3.5", "doc"),
    _trap("28", "Condition, AllergyIntolerance and Immunization are never paged", "3.5", "seen"),
    _trap("29", "a Bundle has no total", "3.5", "seen"),
    _trap("30", "an empty Bundle has no entry member", "3.5", "guess"),
    _trap("31", "one bad record turns a whole search into 500", "3.3", "doc"),
    _trap("33", "more than 1,000 patients are refused with 422", "3.4", "doc"),
    _trap("34", "an unknown type is 404, as an unknown id is", "3.3", "doc"),
    _trap("39", "version ids and ETags are no integers", "3.6", "seen"),
    _trap("46", "a tenant need not be a UUID", "1.1", "seen"),
    _trap("47", "the token URL has two forms, and the classic one can go", "1.2", "seen"),
    _trap("53", "text needs escaping: the narrative is XHTML", "3.7", "seen"),
    _trap("54", "an old name can hold the letter NUL", "3.7", "seen"),
    _trap("56", "PKCE need not be announced", "1.3", "seen"),
    _trap("61", "Condition?encounter= gives every problem of the patient as well", "3.4", "doc"),
    _trap("62", "blood pressure is found by 85354-9 only", "3.4", "doc"),
)
