"""Every check has been seen to fail: each named bug is caught by the check that lists it, the reference by none.

Without this, a check is only believed to judge. Runs are real: a server, the reference integration with one bug, the
cases of one check. Where a check is about some kinds of records, these alone are read: the bug shows there or nowhere.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from conformance.catalogue import checks
from conformance.judge import Judgement
from conformance.reference.mutants import MUTANTS, Mutant
from conformance.trial import Request, hold
from conformance.verdict import Verdict

_TOGETHER = 3
_BY_CHECK = {id: [one for one in MUTANTS.values() if id in one.killed_by] for id in checks()}


_KINDS_OF = {
    "NORM-01": ("patient",),
    "NORM-03": ("patient", "encounter", "medication", "observation", "appointment"),
    "NORM-05": ("observation",),
    "NORM-06": ("observation",),
    "NORM-09": ("condition", "medication"),
    "NORM-10": ("allergy",),
    "NORM-13": ("document",),
    "NORM-14": ("patient", "condition"),
    "NORM-15": ("patient", "condition"),
    "NORM-18": ("patient", "condition", "document"),
    "NORM-19": ("medication",),
    "NORM-20": ("condition", "allergy"),
}
"""The kinds of records in which every bug of a check shows; of the other checks all are read."""


def judged(check: str, mutant: Mutant | None, vendors: tuple[str, ...]) -> Judgement:
    """What the check says of the mutant, or of the reference itself, at these vendors."""
    kinds = _KINDS_OF.get(check, ())
    name = mutant.name if mutant else ""
    run = hold(Request(is_reference=True, mutant=name, only=(check,), vendors=vendors, kinds=kinds))
    return run.judgements[0]


def _where(check: str, mutant: Mutant) -> tuple[str, ...]:
    """The first vendor where the bug shows; all of them, when the check compares vendors."""
    return mutant.vendors if checks()[check].spans_vendors else mutant.vendors[:1]


@pytest.mark.slow
@pytest.mark.parametrize("check", sorted(_BY_CHECK))
def test_a_check_kills_every_mutant_that_it_lists(check):
    mutants = _BY_CHECK[check]
    with ThreadPoolExecutor(_TOGETHER) as pool:
        found = list(pool.map(lambda mutant: judged(check, mutant, _where(check, mutant)), mutants))
    survivors = {
        one.name: told.says for one, told in zip(mutants, found, strict=True) if told.verdict is not Verdict.FAIL
    }
    assert survivors == {}
    assert mutants


@pytest.mark.slow
@pytest.mark.parametrize("check", sorted(_KINDS_OF))
def test_a_check_passes_the_reference_when_it_reads_no_other_kinds(check):
    """Otherwise it could be these kinds that a mutant above dies of, and not its bug."""
    vendors = tuple(dict.fromkeys(vendor for mutant in _BY_CHECK[check] for vendor in _where(check, mutant)))
    assert judged(check, None, vendors).verdict is Verdict.PASS


@pytest.mark.slow
def test_the_reference_passes_everything_and_nothing_is_untested():
    run = hold(Request(is_reference=True))
    bad = {
        f"{one.check} {one.vendor}": one.says
        for one in run.judgements
        if one.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)
    }
    assert bad == {}
    assert run.exit_code == 0
    assert {one.check for one in run.judgements if one.verdict is Verdict.PASS} == set(checks())
