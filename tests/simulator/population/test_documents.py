"""Documents: written from the chart as of their own moment, the same words in every format, the same bytes everywhere.

Formats: plain text, RTF 1.9, HTML, PDF 1.7 (ISO 32000-1), C-CDA R2.1.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from simulator.population import tables
from simulator.population.chart.labels import OPEN
from simulator.population.documents import Content, content_of, read
from simulator.population.documents.paper import Paper, Section, Table
from simulator.population.documents.pdf import pdf
from simulator.population.documents.plain import plain
from simulator.population.documents.rtf import rtf
from simulator.population.documents.web import page
from simulator.population.judging.words import alike
from simulator.population.records import Chart, Document
from tests.simulator.population.lives import NUMBERS, POPULATION, Charts, chart, history, local_day

usual = settings(max_examples=15, deadline=None)
_DATE = re.compile(r"\b(\d\d)/(\d\d)/(\d{4})\b")
CDA = "{urn:hl7-org:v3}"
SDTC = "{urn:hl7-org:sdtc}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
HARD = Paper(
    letterhead=("Ärzte & Söhne",),
    title="Progress note",
    facts=(("Patient", "María-José Nguyễn Łukasz O'Brien {x} \\ <b>"),),
    sections=(
        Section("Results", table=Table(("Test", "Result"), (("Sodium", "140 mmol/L"), ("WBC", "6.1 x10³/µL 😀")))),
        Section("Plan", ("A long line " + "of words " * 40,), is_list=True),
    ),
    closing=("Signed.",),
)


@cache
def content(number: int, document: Document) -> Content:
    return content_of(document, as_of(number, document), POPULATION)


@lru_cache(maxsize=64)  # each is a whole chart
def as_of(number: int, document: Document) -> Chart:
    return history(number).chart_at(document.created)


def some(mime: str | None = None, key: str | None = None, numbers: int = 120) -> Iterator[tuple[int, Document]]:
    for number in range(numbers):
        for document in chart(number).documents:
            if mime in (None, document.mime) and key in (None, document.key):
                yield number, document


@given(NUMBERS)
@usual
def test_a_document_belongs_to_an_encounter_that_is_over_and_to_a_life(number: int) -> None:
    of = chart(number)
    encounters = {one.ordinal: one for one in of.encounters}
    for one in of.documents:
        encounter = encounters[one.encounter or 0]
        assert encounter.end is not None
        assert encounter.end <= one.created
        assert one.created.date() >= of.person.birth_date
        assert of.person.deceased is None or one.created < of.person.deceased
        row = tables.DOCUMENTS[one.key]
        assert one.mime in dict(row.formats)
        assert not row.classes or encounter.class_code in row.classes
        assert not row.kinds or encounter.type_key in row.kinds
        assert (one.doc_status == "amended") == (one.amended is not None)


@given(NUMBERS)
@usual
def test_no_document_knows_the_future(number: int) -> None:
    of = chart(number)
    for one in of.documents:
        then = as_of(number, one)
        text = content(number, one).text
        day = local_day(one.amended or one.created, one.facility)
        dates = [date(int(year), int(month), int(day_)) for month, day_, year in _DATE.findall(text)]
        assert max(dates) <= day
        known = {told.text for told in (*then.conditions, *then.medications, *then.immunizations)}
        for later in (*of.conditions, *of.medications, *of.immunizations):
            if later.text not in known and not any(later.text in word for word in known):
                assert later.text not in text
        values = {str(told.value) for told in then.observations if told.encounter == one.encounter}
        if one.key == "lab_report":
            lab = [
                told for told in then.observations if told.category == "laboratory" and told.encounter == one.encounter
            ]
            assert lab
            assert all(told.issued <= one.created for told in lab)
            assert values


@given(NUMBERS)
@usual
def test_what_is_written_later_leaves_a_document_as_it_was(number: int) -> None:
    documents = chart(number).documents
    soon, late = Charts(now=POPULATION.starts), Charts(now=POPULATION.horizon)
    for one in documents[:3]:
        same = next(d for d in late.chart(number).documents if d.ordinal == one.ordinal)
        if same == one:
            assert read(soon, number, one).data == read(late, number, same).data


@given(NUMBERS)
@usual
def test_nothing_is_told_of_what_carries_a_label_that_the_document_does_not(number: int) -> None:
    for one in chart(number).documents:
        then = as_of(number, one)
        may = OPEN.union(one.sensitivity)
        open_words = [r.text for r in (*then.conditions, *then.medications) if may.issuperset(r.sensitivity)]
        for kept_back in (*then.conditions, *then.medications, *then.observations):
            if may.issuperset(kept_back.sensitivity) or any(kept_back.text in word for word in open_words):
                continue
            if kept_back.kind == "observation" and len(kept_back.text) < 6:
                continue  # too short to be a word of its own
            assert kept_back.text not in content(number, one).text


@given(NUMBERS)
@usual
def test_notes_agree_with_the_structured_records(number: int) -> None:
    for one in chart(number).documents:
        if one.key not in ("progress", "hp", "consult"):
            continue
        then, text = as_of(number, one), " ".join(content(number, one).text.split())
        may = OPEN.union(one.sensitivity)
        for medication in then.medications:
            if may.issuperset(medication.sensitivity) and medication.status == "active":
                assert f"{medication.text}: {medication.dosage.text}" in text.replace("- ", "")
        for condition in then.conditions:
            if may.issuperset(condition.sensitivity) and condition.clinical_status == "active":
                assert f"{condition.text} (" in text
        pressures = [o for o in then.observations if o.encounter == one.encounter and o.key == "sbp"]
        if pressures:
            assert f"Blood pressure {pressures[-1].value}/" in text


def test_all_types_and_formats_occur_and_say_something() -> None:
    found = {(one.key, one.mime) for _, one in some()}
    assert {key for key, _ in found} >= set(tables.DOCUMENTS) - {"pathology"}
    assert {mime for _, mime in found} == {mime for row in tables.DOCUMENTS.values() for mime, _ in row.formats}
    looked_at: Counter[tuple[str, str]] = Counter()
    for number, one in some():
        looked_at[one.key, one.mime] += 1
        if looked_at[one.key, one.mime] > 6:
            continue
        told = content(number, one)
        assert len(told.text) > 200
        assert told.sha256 == hashlib.sha256(told.data).hexdigest()
        assert "None" not in told.text.replace("None.", "").replace("None in", "").replace("None on", "")


def test_pregnancies_are_told_in_weeks() -> None:
    weeks = []
    for number in range(160):
        pregnant = {one.ordinal for one in chart(number).conditions if one.key == "pregnancy"}
        about = {one.ordinal for one in chart(number).encounters if one.reason in pregnant}
        for one in chart(number).documents:
            if one.encounter in about and one.mime != "application/xml":
                text = " ".join(content(number, one).text.split())
                found = re.search(r"(?:Gestational age|infant at) (\d+) weeks", text)
                if found:
                    weeks.append((chart(number).person.sex, int(found[1]), "infant" in found[0]))
    assert len(weeks) > 5
    assert all(sex == "F" and week <= 41 for sex, week, _ in weeks)
    assert all(week >= 36 for _, week, is_birth in weeks if is_birth)


# Formats


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "title" not in self.open:
            self.words.append(data)


def html_text(data: bytes) -> str:
    parser = _Words()
    parser.feed(data.decode())
    parser.close()
    assert not parser.open
    return " ".join(parser.words)


def rtf_text(data: bytes) -> str:
    """The words of an RTF document, by the rules of the specification."""
    source, out, depth, place = data.decode("ascii"), [], 0, 0
    skip_group = 0
    while place < len(source):
        letter = source[place]
        if letter == "{":
            depth += 1
            if source.startswith(r"{\fonttbl", place):
                skip_group = depth
        elif letter == "}":
            if skip_group == depth:
                skip_group = 0
            depth -= 1
            assert depth >= 0
        elif letter == "\\":
            if source[place + 1] in "\\{}":
                out.append(source[place + 1])
                place += 2
                continue
            word = re.compile(r"\\([a-z]+)(-?\d+)? ?").match(source, place)
            assert word, source[place : place + 20]
            place = word.end()
            if word[1] == "u":
                out.append(chr(int(word[2]) % 65536))
                assert source[place] == "?"
                place += 1
            elif word[1] in ("par", "cell", "tab", "row"):
                out.append(" ")
            continue
        elif letter not in "\r\n" and not skip_group:
            out.append(letter)
        place += 1
    assert depth == 0
    return "".join(out).encode("utf-16", "surrogatepass").decode("utf-16")


def pdf_text(data: bytes, folder: Path) -> str:
    path = folder / "document.pdf"
    path.write_bytes(data)
    run = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True)
    assert not run.stderr
    return run.stdout.decode()


@pytest.mark.parametrize("mime", ["text/plain", "text/rtf", "text/html"])
def test_every_format_says_the_same_words(mime: str) -> None:
    readers = {"text/plain": lambda data: data.decode(), "text/rtf": rtf_text, "text/html": html_text}
    documents = list(some(mime))[:40]
    assert len(documents) > 10
    for number, one in documents:
        told = content(number, one)
        assert re.findall(r"\w+", readers[mime](told.data).casefold()) == re.findall(r"\w+", told.text.casefold())


def test_letters_beyond_ascii_survive() -> None:
    words = re.findall(r"\w+", plain(HARD).casefold())
    assert "nguyễn" in words
    assert re.findall(r"\w+", rtf_text(rtf(HARD)).casefold()) == words
    assert re.findall(r"\w+", html_text(page(HARD)).casefold()) == words
    assert "😀" in rtf_text(rtf(HARD))
    assert "{x} \\ <b>" in rtf_text(rtf(HARD))
    assert "{x} \\ <b>" in html_text(page(HARD))


def test_a_pdf_has_the_structure_that_readers_need() -> None:
    for number, one in list(some("application/pdf"))[:10]:
        data = content(number, one).data
        assert data.startswith(b"%PDF-1.7\n")
        assert data.endswith(b"%%EOF\n")
        start = int(re.findall(rb"startxref\n(\d+)", data)[-1])
        table = data[start:].split(b"trailer")[0].splitlines()
        assert table[0] == b"xref"
        for index, line in enumerate(table[2:]):
            offset, _, kind = line.split()
            if kind == b"n":
                assert data[int(offset) :].startswith(b"%d 0 obj" % index)
        for length, stream in re.findall(rb"/Length (\d+)>*\nstream\n(.*?)\nendstream", data, re.DOTALL):
            assert int(length) == len(stream)
        assert b"CreationDate" not in data


@pytest.mark.service
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_pdftotext_reads_what_the_pdf_says(tmp_path: Path) -> None:
    for number, one in list(some("application/pdf"))[:8]:
        told = content(number, one)
        text = re.sub(r"Page \d+ of \d+", "", pdf_text(told.data, tmp_path))
        assert re.findall(r"\w+", text.casefold()) == re.findall(r"\w+", told.text.casefold())
    hard = pdf_text(pdf(HARD), tmp_path)
    assert "Nguyễn Łukasz" in hard
    assert "Ärzte & Söhne" in hard
    assert "{x} \\ <b>" in hard


def test_long_documents_have_pages() -> None:
    lines = tuple(f"Line {place}" for place in range(200))
    data = pdf(Paper((), "Long", (), (Section("All", lines),), ()))
    assert data.count(b"/Type /Page\n") + data.count(b"/Type /Page/") + data.count(b"/Type /Page>") >= 4 or (
        b"/Count 4" in data
    )
    assert all(f"Line {place})".encode() in data for place in range(200))


# C-CDA


def codes_in(entries: list[ElementTree.Element], path: str) -> list[str | None]:
    return [found.get("code") for entry in entries for found in entry.findall(path)]


def sections_of(root: ElementTree.Element) -> dict[str, ElementTree.Element]:
    found = root.findall(f"{CDA}component/{CDA}structuredBody/{CDA}component/{CDA}section")
    return {str(one.find(f"{CDA}code").get("code")): one for one in found}  # type: ignore[union-attr]


def test_a_ccda_has_the_sections_of_a_ccd_with_the_codes_of_the_chart() -> None:
    seen = dict.fromkeys(("48765-2", "10160-0", "11450-4", "30954-2", "8716-3", "11369-6", "46240-8", "47519-4"), 0)
    for number, one in some("application/xml"):
        root = ElementTree.fromstring(content(number, one).data)
        assert root.tag == f"{CDA}ClinicalDocument"
        templates = {node.get("root") for node in root.findall(f"{CDA}templateId")}
        assert "2.16.840.1.113883.10.20.22.1.1" in templates
        sections = sections_of(root)
        assert set(seen) <= set(sections)
        then, may = as_of(number, one), OPEN.union(one.sensitivity)
        entries = {code: section.findall(f"{CDA}entry") for code, section in sections.items()}
        for code, found in entries.items():
            if code in seen:
                seen[code] += len(found)
            assert found or sections[code].get("nullFlavor") == "NI" or code == "42349-1"
        told = [m for m in then.medications if m.status == "active" and may.issuperset(m.sensitivity)]
        assert codes_in(entries["10160-0"], f".//{CDA}manufacturedMaterial/{CDA}code") == [m.product.code for m in told]
        problems = [c for c in then.conditions if c.clinical_status == "active" and may.issuperset(c.sensitivity)]
        assert codes_in(entries["11450-4"], f".//{CDA}observation/{CDA}value") == [c.codes[0].code for c in problems]
        translations = codes_in(entries["11450-4"], f".//{CDA}value/{CDA}translation")
        assert translations == [c.codes[1].code for c in problems]
        doses = codes_in(entries["11369-6"], f".//{CDA}manufacturedMaterial/{CDA}code")
        assert doses == [i.code.code for i in then.immunizations]
        since = one.created - timedelta(days=360)
        results = {o.code.code for o in then.observations if o.category == "laboratory" and o.effective > since
                   and may.issuperset(o.sensitivity)}  # fmt: skip
        told_results = codes_in(entries["30954-2"], f".//{CDA}observation/{CDA}code")
        assert results <= set(told_results)
    assert all(seen.values()), seen


def test_a_ccda_tells_where_stays_and_emergencies_led_as_far_as_it_knows() -> None:
    """After the time of the encounter comes `sdtc:dischargeDispositionCode`, as the schema of the extensions has it."""
    seen: set[str | None] = set()
    for number, one in some("application/xml", numbers=160):
        then = {f"{e.start:%Y%m%d%H%M}": e for e in as_of(number, one).encounters}
        root = ElementTree.fromstring(content(number, one).data)
        for entry in root.iter(f"{CDA}encounter"):
            low = entry.find(f"{CDA}effectiveTime/{CDA}low")
            assert low is not None
            at = datetime.strptime(str(low.get("value")), "%Y%m%d%H%M%z").astimezone(UTC)
            encounter, told = then[f"{at:%Y%m%d%H%M}"], entry.find(f"{SDTC}dischargeDispositionCode")
            row = tables.DISPOSITIONS.get(encounter.disposition or "")
            assert (told is None) == (row is None)
            if told is not None and row is not None:
                assert (told.get("code"), told.get("codeSystem")) == (row.nubc, "2.16.840.1.113883.6.301.5")
                tags = [child.tag for child in entry]
                assert tags[tags.index(told.tag) - 1] == f"{CDA}effectiveTime"
                assert f"disposition: {row.text}" in " ".join(content(number, one).text.split())
            seen.add(encounter.disposition)
    assert {None, "home", "nursing_home", "home_health"} <= seen


def test_values_of_a_ccda_keep_their_digits_units_and_comparators() -> None:
    kinds = set()
    for number, one in some("application/xml", numbers=160):
        then = {f"{o.value:f}" for o in as_of(number, one).observations if o.value is not None}
        root = ElementTree.fromstring(content(number, one).data)
        for observation in root.iter(f"{CDA}observation"):
            value = observation.find(f"{CDA}value")
            kind = None if value is None else value.get(f"{XSI}type")
            kinds.add(kind)
            if value is not None and kind == "PQ":
                assert value.get("value") in then
                assert value.get("unit")
            if value is not None and kind == "IVL_PQ":
                (end,) = list(value)
                assert end.get("inclusive") == "false"
                assert end.get("value") in then
    assert {"PQ", "CD", "IVL_PQ"} <= kinds


def test_ids_of_a_ccda_are_stable_and_of_one_record_each() -> None:
    number, one = next(some("application/xml"))
    first, again = content(number, one).data, content_of(one, as_of(number, one), POPULATION).data
    assert first == again
    ids = [node.get("root") for node in ElementTree.fromstring(first).iter(f"{CDA}id") if not node.get("extension")]
    by_uuid = [one for one in ids if one and "-" in one]
    organizations = 1
    assert len(by_uuid) - len(set(by_uuid)) <= organizations


def test_the_same_seed_gives_the_same_bytes_everywhere() -> None:
    digest = hashlib.sha256()
    for number, one in some(numbers=10):
        digest.update(content(number, one).data)
    fixed = hashlib.sha256(b"".join((plain(HARD).encode(), rtf(HARD), page(HARD), pdf(HARD)))).hexdigest()
    assert fixed == HARD_DIGEST
    again = hashlib.sha256()
    for number, one in some(numbers=10):
        again.update(content_of(one, history(number).chart_at(one.created), POPULATION).data)
    assert again.hexdigest() == digest.hexdigest()


HARD_DIGEST = "ece257308577ad6b989d35659fd6d7049f69cd2a38f0d623f9a11a9487883bb9"


def test_words_are_alike_whatever_the_format() -> None:
    number, one = next(some("text/html"))
    told = content(number, one)
    assert alike(told.text, html_text(told.data))


def test_what_somebody_put_in_is_kept_as_it_came() -> None:
    number, one = next(some("text/plain"))
    body = "Grüße".encode()
    mine = Document(
        **{name: getattr(one, name) for name in one.__slots__} | {"body": body, "ordinal": 1 << 20}  # type: ignore[arg-type]
    )
    told = content_of(mine, chart(number), POPULATION)
    assert (told.data, told.text) == (body, "Grüße")
    assert isinstance(mine.created, datetime)
