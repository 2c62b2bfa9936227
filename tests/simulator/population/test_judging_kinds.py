"""What is accepted of procedures, documents, appointments and coverages, and what is an error."""

from __future__ import annotations

import html
from typing import Any

import pytest

from conformance.protocol import flaw
from simulator.population.answers import Expectation, Loss, compare, expected
from simulator.population.records import Record
from tests.simulator.population.lives import Charts, chart

SOURCE = {"vendor": "epic", "type": "Thing", "id": "e1"}
PATIENT = {"vendor": "epic", "id": "p1"}


def first(kind: str, **facts: Any) -> tuple[int, Record]:
    return next(
        (number, one)
        for number in range(160)
        for one in chart(number).of(kind)
        if all(getattr(one, name) == value for name, value in facts.items())
    )


def told(kind: str, *losses: Loss, **facts: Any) -> Expectation:
    number, one = first(kind, **facts)
    world: Any = Charts()
    return expected(one, losses, chart=chart(number), world=world, source=SOURCE, patient=PATIENT)


def verdicts(expectation: Expectation, **changes: Any) -> list[tuple[str, str, str]]:
    held = {**expectation.record, **changes}
    return [(one.field, one.verdict, one.severity) for one in compare(expectation, held)]


@pytest.mark.parametrize("kind", ["encounter", "procedure", "document", "appointment", "coverage"])
def test_the_truth_is_without_fault_and_fits_the_schema(kind: str) -> None:
    expectation = told(kind)
    assert verdicts(expectation) == []
    assert flaw("record-v1", "", expectation.record) == ""


def test_the_same_bytes_settle_what_the_words_are() -> None:
    note = told("document", mime="text/html")
    assert verdicts(note, content="something else") == []
    assert verdicts(note, content=None) == []
    assert verdicts(note, sha256="sha256:" + note.record["sha256"].upper()) == []


def test_the_right_words_settle_bytes_that_were_written_again() -> None:
    note = told("document", mime="text/rtf")
    words = note.record["content"]
    assert verdicts(note, sha256="0" * 64) == []
    assert verdicts(note, sha256="0" * 64, content=html.escape(words)) == []
    assert verdicts(note, sha256="0" * 64, content=f"<html><b>{words}</b></html>") == []
    assert verdicts(note, sha256="0" * 64, content=" ".join(words.split())) == []


def test_other_bytes_and_other_words_are_errors() -> None:
    note = told("document", mime="text/plain")
    half = note.record["content"][: len(note.record["content"]) // 3]
    assert verdicts(note, sha256="0" * 64, content=half) == [
        ("sha256", "wrong", "major"),
        ("content", "wrong", "major"),
    ]
    without = {name: value for name, value in note.record.items() if name not in ("sha256", "content")}
    assert [(one.field, one.verdict, one.severity) for one in compare(note, without)] == [
        ("sha256", "missing", "minor"),
        ("content", "missing", "minor"),
    ]
    assert [one.field for one in compare(note, {**without, "sha256": "0" * 64})] == ["sha256", "content"]


def test_a_vendor_that_changes_the_bytes_is_judged_by_the_words() -> None:
    note = told("document", Loss("sha256", "replaced", "another charset", None), mime="text/plain")
    assert verdicts(note) == []
    assert [verdict for _, verdict, _ in verdicts(note, content="x y z")] == ["wrong"]


def test_a_lost_cancellation_is_a_wrong_status() -> None:
    gone = told("appointment", status="cancelled")
    assert verdicts(gone, status="booked") == [("status", "wrong", "major")]
    assert verdicts(gone, minutes="15" if gone.record["minutes"] != "15" else "20")[0][0] == "minutes"


def test_a_member_id_without_its_zeros_is_wrong() -> None:
    held = told("coverage", order=1, category="commercial")
    assert ("memberId", "wrong", "major") in verdicts(held, memberId=held.record["memberId"][1:])
    assert verdicts(held, order="2")[0][0] == "order"


def test_the_label_of_an_encounter_may_not_be_lost() -> None:
    seen = told("encounter", type_key="psych")
    assert verdicts(seen, sensitivity=[]) == [("sensitivity", "missing", "major")]


def test_a_document_that_is_told_in_several_forms_may_be_held_in_any_of_them() -> None:
    forms = Loss("mime", "also", value=["application/pdf", "text/html"])
    note = told("document", forms, Loss("sha256", "also", value=["a" * 64, "b" * 64]), mime="text/plain")
    assert verdicts(note, mime="application/pdf", sha256="b" * 64, content=None) == []
    assert verdicts(note, mime="text/html", sha256="sha256:" + "A" * 64, content=None) == []
    assert ("mime", "wrong", "major") in verdicts(note, mime="text/rtf")
    assert ("sha256", "wrong", "major") in verdicts(note, sha256="c" * 64, content="other words")
