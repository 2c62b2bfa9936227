"""The page of Epic's web services, made from the table that the doors follow.

`python -m tests.epic_services` writes docs/epic-web-services.md anew.
"""

from __future__ import annotations

from pathlib import Path

from simulator.vendors.epic.services import SERVICES

PAGE = Path(__file__).parents[1] / "docs" / "epic-web-services.md"
_HEAD = """# Epic's web services

Beside FHIR, below `/interconnect-fhir-oauth/api/epic/{year}/`. A call is one command: JSON (or a form, or the query)
with members in PascalCase, ids in pairs (`PatientID`, `PatientIDType`: EPI, MRN, EXTERNAL, INTERNAL, CEID, FHIR,
FHIR STU3 …), days as `M/D/YYYY`. A refusal is 400, with the business code inside `ExceptionMessage`. Callers show a
token, or an account by HTTP Basic with `Epic-Client-ID` (client `web-services`).

The clinical commands are what one may look for as "Clinical Integration", the last three as "Procedure Order"; neither
is a term of Epic's that could be traced. Where each claim stands: `simulator/vendors/epic/SOURCES.md`, "Web services".

Made from `simulator/vendors/epic/services/` by `python -m tests.epic_services`.

| command | what it does | method | year | path behind the year | right |
|---|---|---|---|---|---|
"""
_LETTERS = {"c": "create", "r": "read", "s": "search"}


def page() -> str:
    """The page as it should be."""
    rows = []
    for one in SERVICES:
        does = (one.answer.__doc__ or "").split("\n\n")[0].replace("\n    ", " ")
        type, letter = one.needs
        rows.append(
            f"| {one.name} | {does} | {', '.join(one.methods)} | {', '.join(one.years)} | `{one.path}` | {type}: "
            f"{_LETTERS[letter]} |\n"
        )
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
