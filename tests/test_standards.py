"""Every server-side statement of SMART, OAuth and FHIR REST is shown by tests that exist, or says why it is not."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.standards import PAGE, ROOT, Statement, page, statements

COUNTS = {
    "SMART-CF": 9, "SMART-AL": 9, "SMART-TK": 9, "SMART-SC": 7, "SMART-IN": 4, "SMART-BS": 9, "OAUTH": 11,
    "FHIR-H": 17, "FHIR-S": 13, "FHIR-B": 4,
}  # fmt: skip


@pytest.mark.parametrize("row", statements(), ids=lambda row: row.id)
def test_a_statement_is_shown_by_tests_that_exist_or_says_why_not(row: Statement) -> None:
    assert bool(row.tests) != bool(row.not_simulated)
    assert row.level in ("SHALL", "SHALL NOT", "SHOULD", "SHOULD NOT", "MAY")
    for test in row.tests:
        file, _, name = test.partition("::")
        text = (ROOT / "tests" / file).read_text("utf-8")
        assert re.search(rf"^(async )?def {re.escape(name)}\(", text, re.M), test


def test_every_statement_is_in_the_table_once() -> None:
    ids = [row.id for row in statements()]
    assert len(set(ids)) == len(ids)
    assert Counter(row.part for row in statements()) == COUNTS


def test_the_page_is_made_from_the_table() -> None:
    assert PAGE.read_text("utf-8") == page(), "python -m tests.standards"
