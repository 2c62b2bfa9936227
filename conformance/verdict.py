"""Verdicts, the order in which they merge, and the exit code of a run."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What a check says of one vendor, worst first; the order of the members is the merge order."""

    ERROR = "ERROR"  # our own defect
    FAIL = "FAIL"
    UNTESTED = "UNTESTED"  # declared, not exercised: red
    WARN = "WARN"  # SHOULD-level, or late timing
    PASS = "PASS"
    NOT_APPLICABLE = "N/A"  # not declared

    @property
    def is_red(self) -> bool:
        return self in (Verdict.ERROR, Verdict.FAIL, Verdict.UNTESTED)


_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}

PASSED, FAILED, UNEXERCISED, OUR_DEFECT, USAGE, NOTHING_CHECKED = 0, 1, 2, 3, 4, 5


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of `verdicts`; of none at all it is not applicable."""
    return min(verdicts, key=_RANK.__getitem__, default=Verdict.NOT_APPLICABLE)


def exit_code(verdicts: Iterable[Verdict], *, has_stale_waiver: bool = False, strict: bool = False) -> int:
    """The exit code of a run that ended with `verdicts` (waived ones left out); `strict` makes WARN red.

    Source: contract section 2.
    """
    said = set(verdicts)
    if Verdict.ERROR in said:
        return OUR_DEFECT
    if Verdict.FAIL in said or has_stale_waiver or (strict and Verdict.WARN in said):
        return FAILED
    if Verdict.UNTESTED in said:
        return UNEXERCISED
    if not said - {Verdict.NOT_APPLICABLE}:
        return NOTHING_CHECKED
    return PASSED
