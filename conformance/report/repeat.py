"""The commands that repeat a run, and one finding of it."""

from __future__ import annotations

import shlex

from conformance.judge import Judgement
from conformance.record import Run


def command(run: Run, one: Judgement) -> str:
    """What to type to see this verdict again."""
    vendors = run.scope.vendors if one.vendor == "*" else (one.vendor,)
    return _joined(run, ["--only", one.check, *(word for vendor in vendors for word in ("--vendor", vendor))])


def whole(run: Run) -> str:
    """What to type to see the whole run again."""
    return _joined(run, [])


def _joined(run: Run, flags: list[str]) -> str:
    flags = [*flags, "--seed", str(run.header["seed"])]
    how = list(run.header["how"])
    if how[:1] == ["wrap"]:  # what follows `--` belongs to the wrapped command
        return shlex.join(["emr-sandbox", "wrap", *flags, *how[1:]])
    return shlex.join(["emr-sandbox", "check", *how, *flags])
