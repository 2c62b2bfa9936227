"""The command that repeats one finding."""

from __future__ import annotations

import shlex

from conformance.judge import Judgement
from conformance.record import Run


def command(run: Run, one: Judgement) -> str:
    """What to type to see this verdict again."""
    words = ["emr-sandbox", "check", *run.header["how"], "--only", one.check]
    if one.vendor != "*":
        words += ["--vendor", one.vendor]
    else:
        words += [word for vendor in run.scope.vendors for word in ("--vendor", vendor)]
    return shlex.join([*words, "--seed", str(run.header["seed"])])
