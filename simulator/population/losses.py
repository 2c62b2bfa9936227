"""What a vendor's telling of one record loses or changes. Rooms record it beside every rendering."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

How = Literal[
    "omitted", "absent", "precision", "rounded", "truncated", "text_only", "zone_dropped", "replaced", "also", "dirtied"
]


@dataclass(frozen=True, slots=True)
class Loss:
    """What one rendering lost or changed of one canonical field (dotted: `dosage.route`, `birthDate`, `value.number`).

    A loss of a field with members (`range`, `dosage`) holds for each of them.

    omitted       the vendor does not tell it: absent or null is right, a value is invented
    absent        the vendor says why there is nothing: null is right, with the reason `detail` beside it (unknown,
                  asked-unknown, asked-declined, not-asked, masked, not-applicable, not-performed, error), or with one
                  of several, as in "asked-unknown|asked-declined"
    precision     told coarser: `detail` is the precision that survives (year, month, day, minute); days are local ones
    rounded       told as a rounded number: `detail` is "STEP UNIT" in the vendor's unit; the preimage is acceptable
    truncated     a text of which `detail` characters are told
    text_only     codes are gone, text remains: nothing, the text, or the true code are acceptable
    zone_dropped  local time without offset: `detail` is the published IANA zone; still exactly recoverable
    replaced      told as something else: `value` is what a perfect integration must hold instead (canonical form,
                  or None)
    also          the vendor adds something true: `value` is accepted beside the truth (None: saying nothing is, too);
                  a list holds, for a list, the elements that may be there as well, and for anything else the choices
    dirtied       told as it stands in the chart, and that is known to be wrong: `detail` is the defect (see `dirt`).
                  Nothing is accepted beside it: an integration flags such a value, it never repairs it in silence

    A `value` that takes work to know may be a function that gives it, as the hash of a document in another format:
    whoever asks for other kinds does not wait for it.
    """

    field: str
    how: How
    detail: str = ""
    value: object = None

    def known(self) -> Loss:
        """The loss with its value at hand."""
        return replace(self, value=self.value()) if callable(self.value) else self
