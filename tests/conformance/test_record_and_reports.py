"""A recorded run: what is read back, judged again, rendered; and what makes a file no run (contract section 8)."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import click
import pytest

from conformance import record
from conformance.catalogue import select
from conformance.judge import Scope, judge, waived
from conformance.report import html, junit, terminal
from conformance.settings import Settings
from conformance.trial import recorded
from simulator.refusal import UsageError

SAID = "asked again 0.1 s after a 429 that wanted 2.0 s in seconds"
SCOPE = Scope(("epic", "cerner"), {"epic": ("private_key_jwt",), "cerner": ("client_secret_basic",)})


@pytest.fixture
def run(script):
    """Epic honours Retry-After and loses a page; Cerner does neither well nor at all."""
    case = script.case("S21").call(0, 3, "condition")
    path, query = "/api/FHIR/R4/Condition", "patient=<script>1</script>"
    case.get(path, 0.5, 429, retry_after="2", query=query).get(path, 0.6, query=query)
    script.case("S21", vendor="cerner").get("/r4/Condition", 0, 429, retry_after="1").get("/r4/Condition", 1.1)
    script.case("S17").get("/api/FHIR/R4/Observation", 0, query="p=1", next=["/s/a/epic/api/FHIR/R4/Observation?s=2"])
    cases = script.cases()
    settings = Settings()
    judgements = judge(select(["RES-01", "PAGE-01", "AUTH-01", "SEC-06"]), cases, SCOPE, settings)
    return recorded(
        judgements, cases, SCOPE, settings, how=["--reference"], name="acme", implementation={"name": "acme"},
        seconds=12.34,
    )  # fmt: skip


def test_a_run_that_was_recorded_is_read_back_as_it_was(run, tmp_path):
    record.write(run, tmp_path / "run.ndjson")
    again = record.read(tmp_path / "run.ndjson")
    assert again.judgements == run.judgements
    assert list(record.lines_of(again)) == list(record.lines_of(run))


def test_judging_a_recorded_run_again_gives_the_same_bytes(run, tmp_path):
    record.write(run, tmp_path / "run.ndjson")
    again = record.read(tmp_path / "run.ndjson")
    judged = judge(select(again.header["checks"]), again.cases, again.scope, again.settings)
    assert json.dumps(list(record.judged_lines(judged))) == json.dumps(list(record.judged_lines(run.judgements)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda lines: lines[:-1], "no footer"),
        (lambda lines: [lines[0], *lines[2:]], "the file was changed"),
        (lambda lines: [line.replace('"FAIL"', '"PASS"') for line in lines], "the file was changed"),
        (lambda lines: ["{}"], "not a run of this format"),
        (lambda lines: ["not json"], "not NDJSON"),
    ],
)
def test_a_file_that_was_cut_or_changed_is_no_run(run, tmp_path, change, says):
    path = tmp_path / "run.ndjson"
    path.write_text("\n".join(change(list(record.lines_of(run)))) + "\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        record.read(path)
    assert says in caught.value.message


def test_the_terminal_says_what_a_colleague_would(run):
    shown = click.unstyle("\n".join(terminal.lines_of(run)))
    assert (
        shown
        == f"""
auth
  UNTESTED  AUTH-01  client assertions are well formed               epic: no client assertion was presented
                     source  https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
                     again   emr-sandbox check --reference --only AUTH-01 --vendor epic --seed 7
                     next    emr-sandbox explain AUTH-01

pagination
  FAIL      PAGE-01  all pages are read                              epic: never requested: 1 next link
                     +0.000 s  GET  /api/FHIR/R4/Observation                     200
                     wanted  GET /s/a/epic/api/FHIR/R4/Observation?s=2
                     got     no such request
                     fix     follow `next` until there is none
                     source  https://hl7.org/fhir/R4/http.html#paging
                     again   emr-sandbox check --reference --only PAGE-01 --vendor epic --seed 7
                     next    emr-sandbox explain PAGE-01
  UNTESTED  PAGE-01  all pages are read                              cerner: no answer had a next page
                     source  https://hl7.org/fhir/R4/http.html#paging
                     again   emr-sandbox check --reference --only PAGE-01 --vendor cerner --seed 7
                     next    emr-sandbox explain PAGE-01

resilience
  PASS      RES-01   Retry-After is honoured in both forms           cerner: waited as asked: 1.0 s in seconds
  FAIL      RES-01   Retry-After is honoured in both forms           epic: {SAID}
                     +0.000 s  GET  /api/FHIR/R4/Condition                       429   Retry-After: 2
                     +0.100 s  GET  /api/FHIR/R4/Condition                       200
                     wanted  a wait of 2.0 s
                     got     0.1 s
                     fix     read Retry-After in both forms and wait that long before the next call
                     source  RFC 9110 section 10.2.3
                     again   emr-sandbox check --reference --only RES-01 --vendor epic --seed 7
                     next    emr-sandbox explain RES-01

security
  PASS      SEC-06   tokens are not in URLs                          epic: 3 URLs without a token; cerner alike

3 passed, 2 failed, 2 untested in 12.3 s, seed 7"""
    )


def test_the_matrix_shows_checks_by_vendors(run):
    shown = [click.unstyle(line) for line in terminal.matrix_lines(run)]
    assert shown == [
        "           epic      cerner",
        "  AUTH-01  untested  ·         client assertions are well formed",
        "  PAGE-01  fail      untested  all pages are read",
        "  RES-01   fail      pass      Retry-After is honoured in both forms",
        "  SEC-06   pass      pass      tokens are not in URLs",
    ]


def test_the_exit_code_of_a_run_with_failures_is_one(run):
    assert run.exit_code == 1


def test_junit_counts_untested_as_a_failure_and_carries_the_proof(run):
    root = ET.fromstring(junit.xml_of(run).encode())
    suites = {suite.get("name"): suite for suite in root}
    assert suites["epic.pagination"].get("failures") == "1"
    untested = suites["epic.auth"].find("testcase/failure")
    assert untested.get("type") == "untested"
    assert "Retry-After: 2" in suites["epic.resilience"].find("testcase/failure").text
    assert suites["cerner.auth"].find("testcase/skipped").get("message") == "`private_key_jwt` is not declared"


def test_a_waived_failure_is_skipped_and_never_hidden(run):
    marked = waived(run.judgements, {("RES-01", "epic")})
    told = recorded(
        marked, run.cases, SCOPE, Settings(), how=[], name="acme", implementation={}, seconds=1, stale=("x y: z",)
    )
    assert told.counts["waived"] == 1
    assert "waived" in click.unstyle("\n".join(terminal.lines_of(told)))
    assert "STALE" in click.unstyle("\n".join(terminal.lines_of(told)))
    root = ET.fromstring(junit.xml_of(told).encode())
    skipped = [
        case.find("skipped").get("message") for case in root.iter("testcase") if case.find("skipped") is not None
    ]
    assert any(message.startswith("waived: asked again") for message in skipped)


class Page(HTMLParser):
    """Collects what a page would fetch, its ids and links, and whether its tags nest."""

    VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})

    def __init__(self, text):
        super().__init__()
        self.fetched, self.ids, self.links, self.open, self.text = [], set(), set(), [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.text.append(" ")
        self.fetched += [told[name] for name in ("src", "data", "action") if told.get(name)]
        if tag == "link":
            self.fetched.append(told.get("href"))
        if told.get("id"):
            self.ids.add(told["id"])
        if tag == "a":
            self.links.add(told["href"])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_needs_nothing_else_and_its_links_lead_somewhere(run):
    page = Page(html.page_of(run))
    assert page.fetched == []
    assert page.open == []
    assert page.links == {f"#{id}" for id in page.ids}
    assert "RES-01-epic" in page.ids


def test_the_page_shows_sentence_timeline_difference_source_and_command(run):
    text = " ".join("".join(Page(html.page_of(run)).text).split())
    for words in (
        "asked again 0.1 s after a 429 that wanted 2.0 s in seconds",
        "+0.100 s",
        "wanted a wait of 2.0 s",
        "got 0.1 s",
        "source: RFC 9110 section 10.2.3 [doc]",
        "emr-sandbox check --reference --only RES-01 --vendor epic --seed 7",
        "3 PASS",
    ):
        assert words in text


def test_what_the_wire_says_cannot_break_the_page(run):
    assert "<script>" not in html.page_of(run)
    assert "prefers-color-scheme: dark" in html.page_of(run)
