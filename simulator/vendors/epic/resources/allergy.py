"""AllergyIntolerance: words where codes should be, and a resource that says that nobody ever asked.

Source: SOURCES.md, "Resources" (MAP, FS); traps E16 and E17.
"""

from __future__ import annotations

from collections.abc import Iterable

from simulator.fhir import build
from simulator.population.answers import Loss
from simulator.population.defects import is_typed
from simulator.population.records import Allergy, Code
from simulator.vendor import Rendering
from simulator.vendors.epic import dialect, ids
from simulator.vendors.epic.dialect import Json, Telling

_SHELLFISH = "735029006"
_UNII = "urn:oid:2.16.840.1.113883.4.9"
_NDFRT = "urn:oid:2.16.840.1.113883.3.26.1.5"
# What Epic files as a class of substances has codes of NDF-RT and no other (seen: shellfish).
_CLASSES = {_SHELLFISH: ("N0000007624", "N0000168415", "N0000168510")}
# The substances that FDA's registry lists under an allergen: penicillin G is seen, the others are taken from there.
_SUBSTANCES = {
    "7980": ("Q42T66VG0C", "VL775ZTH4C", "Z20HTT1027"),
    "723": ("804826J2HU", "9EM05410Q9"),
    "10831": ("AN164J8Y0X", "JE42381TNV"),
    "1191": ("R16CO5Y76E",),
    "5640": ("WK2XYI10QM",),
    "2231": ("5SFF1W6677", "OBN7UDS42Y"),
    "29046": ("7Q3P4BS2FD", "E7199S1YWR"),
    "2670": ("UX6OWY2V7J",),
    "7052": ("76I7G6D29C",),
    "762952008": ("QE1QX6B99R",),
    "102263004": ("291P45F896",),
    "3718001": ("917J3173FT",),
    "412071004": ("4J2I0SN84Y",),
    "111088007": ("2LQ0UUW8IN",),
}
# What Epic's reaction list calls what the truth codes in SNOMED. Guess, except Hives, Itching, Anaphylaxis (seen).
_REACTIONS = {
    "271807003": "Rash",
    "247472004": "Hives",
    "39579001": "Anaphylaxis",
    "402387002": "Angioedema",
    "21522001": "GI Upset",
    "418290006": "Itching",
    "49727002": "Cough",
    "422587007": "Nausea Only",
    "300359004": "Nausea And Vomiting",
    "62315008": "Diarrhea",
    "878820003": "Rhinitis",
    "76067001": "Sneezing",
    "56018004": "Wheezing",
}


def render(t: Telling, allergy: Allergy) -> Rendering:
    """One allergy, with what of it is told differently."""
    payload = _frame(t, allergy.ordinal, allergy.verification)
    losses = []
    if allergy.none_known:
        losses += [Loss(name, "omitted", "nothing to qualify") for name in ("type", "category", "criticality")]
    else:
        category = "medication" if allergy.code.code == _SHELLFISH else allergy.category
        payload |= {"type": allergy.type, "category": [category], "criticality": allergy.criticality}
        if category != allergy.category:
            losses.append(Loss("category", "replaced", "filed with the drug ingredients", category))
    text = allergy.text.upper()
    code: Json = {"coding": _codings(allergy, text), "text": text}
    if allergy.code.code in _CLASSES:
        losses.append(Loss("codes", "text_only", "a class of substances"))
    if not allergy.none_known and is_typed(t.world.population, t.site.vendor.id, t.number, allergy.ordinal):
        code = {"text": text}
        losses.append(Loss("codes", "text_only", "typed as words"))
    payload |= {"code": code, "patient": t.subject}
    if allergy.onset is not None:
        payload["onsetDateTime"] = allergy.onset.isoformat()
    payload["recordedDate"] = build.instant(allergy.recorded)
    words = [_REACTIONS.get(code.code, dialect.words_of(code.display)) for code in allergy.reactions]
    if words:
        is_coded = not t.site.settings["word_codes"]
        told = [
            _coded(code, word) if is_coded else _manifestation(word)
            for code, word in zip(allergy.reactions, words, strict=True)
        ]
        payload["reaction"] = [{"manifestation": told, "description": ", ".join(words)}]
        if not is_coded:
            losses.append(Loss("reactions", "text_only", "the code is a word"))
    if text != allergy.text:
        losses.append(Loss("text", "replaced", "capitals", text))
    if allergy.sensitivity:
        losses.append(Loss("sensitivity", "omitted"))
    return Rendering("AllergyIntolerance", payload["id"], payload, (allergy,), tuple((0, loss) for loss in losses))


def _codings(allergy: Allergy, text: str) -> list[Json]:
    """The code with the text, behind it the substances without a word; of a class its own codes alone."""
    classes = _CLASSES.get(allergy.code.code)
    if classes is not None:
        return [{"system": _NDFRT, "code": classes[0], "display": text}, *_bare(_NDFRT, classes[1:])]
    coding = {**build.coding(allergy.code), "display": text}
    return [coding, *_bare(_UNII, _SUBSTANCES.get(allergy.code.code, ()))]


def _bare(system: str, codes: Iterable[str]) -> list[Json]:
    return [{"system": system, "code": code} for code in codes]


def not_on_file(t: Telling) -> Rendering:
    """The resource of a patient about whom nothing was ever recorded: it carries no fact."""
    payload = _frame(t, ids.NOT_ON_FILE, "unconfirmed")
    payload["code"] = dialect.told("snomed", "1631000175102", "Patient not asked") | {"text": "Not on File"}
    payload["patient"] = t.subject
    return Rendering("AllergyIntolerance", payload["id"], payload, ())


def _frame(t: Telling, ordinal: int, verification: str) -> Json:
    return {
        "resourceType": "AllergyIntolerance",
        "id": t.id("AllergyIntolerance", ordinal),
        "clinicalStatus": dialect.told("allergy-clinical", "active", "Active", version="4.0.0"),
        "verificationStatus": dialect.told("allergy-verification", verification, verification.title(), version="4.0.0"),
    }


def _coded(code: Code, word: str) -> Json:
    return {"coding": [build.coding(code)], "text": word}


def _manifestation(word: str) -> Json:
    """The display where the code belongs, under SNOMED's name: seen."""
    return {"coding": [{"system": build.SYSTEMS["snomed"], "code": word}], "text": word}
