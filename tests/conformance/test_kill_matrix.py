"""Every check has been seen to fail: each named bug is caught by the check that lists it, the reference by none.

Without this, a check is only believed to judge. Runs are real: a server, the reference integration with one bug, the
cases of one check.
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


def judged(check: str, mutant: Mutant) -> Judgement:
    """What the check says of the mutant, at the first vendor where the bug shows (at all, when it compares vendors)."""
    vendors = mutant.vendors if checks()[check].spans_vendors else mutant.vendors[:1]
    run = hold(Request(is_reference=True, mutant=mutant.name, only=(check,), vendors=vendors))
    return run.judgements[0]


@pytest.mark.slow
@pytest.mark.parametrize("check", sorted(_BY_CHECK))
def test_a_check_kills_every_mutant_that_it_lists(check):
    mutants = _BY_CHECK[check]
    with ThreadPoolExecutor(_TOGETHER) as pool:
        found = list(pool.map(lambda mutant: judged(check, mutant), mutants))
    survivors = {
        one.name: told.says for one, told in zip(mutants, found, strict=True) if told.verdict is not Verdict.FAIL
    }
    assert survivors == {}
    assert mutants


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
