"""Medication: one record a drug, which all orders share; RxNorm codes without a word between numbers of others.

Source: SOURCES.md, "Resources" (FS); trap E43.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from simulator.fhir import build
from simulator.ids import h64
from simulator.population import tables
from simulator.population.defects import is_unmapped
from simulator.population.records import Code
from simulator.population.tables.rows import MedicationRow
from simulator.vendors.epic import dialect, ids
from simulator.vendors.epic.dialect import Json, usual

if TYPE_CHECKING:
    from simulator.sandbox import Site

_RECORD = dialect.local("2.698288")  # ERX: the site's drug file
_FORM = dialect.local("4.698288.310")
_MEDISPAN_DDID = "urn:oid:2.16.840.1.113883.6.253"
_MEDISPAN_GPI = "urn:oid:2.16.840.1.113883.6.68"
_FDB_GCN = "urn:oid:2.16.840.1.113883.6.162"
# A part of RxNorm's name -> the abbreviation and word of the form, the first that fits. SUSP: seen, the others: guess.
_FORMS = (
    ("Chewable Tablet", "CHEW", "chewable tablet"),
    ("Extended Release Oral Tablet", "TB24", "tablet,extended release 24 hr"),
    ("Extended Release Oral Capsule", "CP24", "capsule,extended release 24 hr"),
    ("Delayed Release Oral Capsule", "CPDR", "capsule,delayed release(DR/EC)"),
    ("Sublingual Tablet", "SUBL", "tablet, sublingual"),
    ("Sublingual Film", "FILM", "film"),
    ("Auto-Injector", "SOAJ", "solution auto-injector"),
    ("Pen Injector", "SOPN", "solution pen-injector"),
    ("Prefilled Syringe", "SOSY", "solution prefilled syringe"),
    ("Metered Dose Inhaler", "AERS", "aerosol, solution"),
    ("Dry Powder Inhaler", "AEPB", "aerosol powdr breath activated"),
    ("Inhalation Solution", "NEBU", "nebulization solution"),
    ("Oral Suspension", "SUSP", "suspension"),
    ("Transdermal", "PT24", "patch, transdermal 24 hours"),
    ("Topical Cream", "CREA", "cream"),
    ("Inject", "SOLN", "solution"),
    ("Tablet", "TABS", "tablet"),
    ("Capsule", "CAPS", "capsule"),
)
_STRENGTH = re.compile(r"^[^/]*? (\d+(?:\.\d+)?) MG (?:\w+ )*(?:Oral )?(?:Tablet|Capsule)\b")


def medication_id(key: bytes, product: Code) -> str:
    """The id of the drug's record: the same for every patient who gets it."""
    return ids.fhir_id(key, "Medication", int(product.code))


def is_local(site: Site, key: str) -> bool:
    """Whether nobody mapped the product, a row of medications.csv, to RxNorm."""
    return is_unmapped(site.sandbox.world.population, site.vendor.id, "local_drugs", key)


def strength_of(product: Code) -> Decimal | None:
    """The milligrams in one tablet or capsule of a product of one ingredient, where its name tells them."""
    found = _STRENGTH.match(product.display)
    return Decimal(found[1]) if found else None


def render(site: Site, rxnorm: int) -> Json | None:
    """The Medication behind a product's RxNorm number; None when no drug of ours has it."""
    row = _DRUGS.get(rxnorm)
    if row is None:
        return None
    product, ingredient = row.product, row.ingredient
    own = dialect.number(h64(site.key, "drug", row.key))
    made: Json = {
        "resourceType": "Medication",
        "id": medication_id(site.key, product),
        "identifier": [usual(_RECORD, own)],
        "code": {"coding": _codings(site, row, own), "text": product.display},
    }
    form = next((one for one in _FORMS if one[0] in product.display), None)
    if form is not None:
        made["form"] = dialect.told(_FORM, form[1], form[2])
    content: Json = {"itemCodeableConcept": {"text": ingredient.display if ingredient else product.display}}
    strength = strength_of(product)
    if strength is not None:
        content["strength"] = {
            "numerator": build.quantity(strength, "mg", "mg"),
            "denominator": build.quantity(Decimal(1), "each"),
        }
    return made | {"ingredient": [content]}


def _codings(site: Site, row: MedicationRow, own: str) -> list[Json]:
    """The numbers of drug files that are not public (made up), with RxNorm in numeric order between them; of a drug
    that nobody mapped, the site's own alone."""
    if is_local(site, row.key):
        return [{"system": _RECORD, "code": own}]
    draw = h64(site.key, "drug file", row.key)
    known = {row.product.code, *([row.ingredient.code] if row.ingredient else [])}
    return [
        {"system": _MEDISPAN_DDID, "code": dialect.number(draw, 5)},
        {"system": _MEDISPAN_GPI, "code": dialect.number(draw >> 8, 14)},
        *({"system": build.SYSTEMS["rxnorm"], "code": code} for code in sorted(known, key=int)),
        {"system": _FDB_GCN, "code": dialect.number(draw >> 40, 5)},
    ]


_DRUGS = {int(row.product.code): row for row in tables.MEDICATIONS.values()}
