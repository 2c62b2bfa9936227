"""The table of what the standards ask of a server, `tests/standards.toml`, and the page that is made from it.

`python -m tests.standards` writes docs/standards.md anew.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "standards.md"
_PARTS = {
    "SMART-CF": "SMART App Launch 2.2.0: discovery",
    "SMART-AL": "SMART App Launch 2.2.0: launch and authorization",
    "SMART-TK": "SMART App Launch 2.2.0: tokens",
    "SMART-SC": "SMART App Launch 2.2.0: scopes",
    "SMART-IN": "SMART App Launch 2.2.0: introspection",
    "SMART-BS": "SMART App Launch 2.2.0: backend services and clients with keys",
    "OAUTH": "OAuth 2.0 (RFC 6749, 6750, 7009, 7636, 8705, 8725, 9700)",
    "FHIR-H": "FHIR R4 REST: one resource",
    "FHIR-S": "FHIR R4 REST: search",
    "FHIR-B": "FHIR R4 REST: bundles and operations",
}


@dataclass(frozen=True)
class Statement:
    """One statement: `tests` that show it, each `file::name` below tests/, or why it is not simulated. `but` says where
    a vendor is known to differ, or what is left open."""

    id: str
    level: str
    says: str
    tests: tuple[str, ...] = ()
    not_simulated: str = ""
    but: str = ""

    @property
    def part(self) -> str:
        return self.id.rpartition("-")[0]


def statements() -> list[Statement]:
    """Every row of the table, in order."""
    rows = tomllib.loads((ROOT / "tests" / "standards.toml").read_text("utf-8"))["statement"]
    return [Statement(**{**row, "tests": tuple(row.get("tests", ()))}) for row in rows]


def page() -> str:
    """The Markdown page."""
    rows = statements()
    shown = sum(1 for row in rows if row.tests)
    lines = [
        "# What the standards ask of a server, and how we know",
        "",
        f"{len(rows)} statements: {shown} shown by tests, {len(rows) - shown} not simulated. Made from",
        "`tests/standards.toml` by `python -m tests.standards`; the words are ours, the source decides.",
    ]
    for part, title in _PARTS.items():
        lines += ["", f"## {title}", "", "| id | level | statement | shown by, or why not |", "|---|---|---|---|"]
        for row in (one for one in rows if one.part == part):
            how = (
                "; ".join(f"`{test.rpartition('/')[2]}`" for test in row.tests) or f"not simulated: {row.not_simulated}"
            )
            but = f". But: {row.but}" if row.but else ""
            lines.append(f"| {row.id} | {row.level} | {row.says} | {how}{but} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
