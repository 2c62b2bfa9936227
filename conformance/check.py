"""A check: one sentence about an integration, and a pure function that judges it from evidence.

Declared with `@check(...)` on a generator; the docstring is the statement: its first line is the title that reports
print, the rest says when it holds and why it matters. The function yields marks:

    exercised("3 calls shared one token")     the statement was put to the test
    fail("same_token", "the refused token was presented again", at=[first, second])
    warn(...)                                  a SHOULD was not followed
    untested("no throttled answer was served") why it could not be put to the test

It never decides the verdict: no finding and exercised is PASS, nothing exercised is UNTESTED, an exception is ERROR.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from conformance.verdict import Verdict
from simulator.source import Source

if TYPE_CHECKING:
    from conformance.evidence import Evidence, Exchange

Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
Need = Literal["traffic", "read", "match", "sync", "write", "login", "process", "logs"]
ALL = ("epic", "cerner", "athena")


@dataclass(frozen=True, slots=True)
class Exercised:
    """The statement was put to the test: what was seen, and the exchanges that show it."""

    says: str
    at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Untested:
    """Why the statement could not be put to the test."""

    says: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Where the statement did not hold: one sentence, the exchanges that prove it, what was expected and got.

    `cause` is a slug that is the same for the same mistake; `sub` tells sub-checks apart (`exp` of `AUTH-01.exp`);
    `case` is the case it happened in, empty when it spans cases.
    """

    verdict: Verdict
    cause: str
    says: str
    at: tuple[str, ...] = ()
    case: str = ""
    expected: str = ""
    got: str = ""
    fix: str = ""
    sub: str = ""


Mark = Exercised | Untested | Finding
Judge = Callable[["Evidence"], Iterator[Mark]]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One row of the catalogue.

    vendors    ids it applies to; for `spans_vendors` the vendors that are compared with each other
    scenarios  families (`S21`) or single situations (`s40-other-shapes`) whose cases put it to the test; it sees the
               cases of everything that was played
    needs      what an owner must declare for it: traffic only, read operations, matching of people, syncs, writes,
               logins of people, logs; "process": reads, by a process that we start
    mutants    named bugs of the reference integration that must turn it red
    auth       only for integrations that log in this way (`private_key_jwt`); empty: whatever the way
    """

    id: str
    area: str
    title: str
    statement: str
    severity: Severity
    level: int
    vendors: tuple[str, ...]
    scenarios: tuple[str, ...]
    source: tuple[Source, ...]
    mutants: tuple[str, ...]
    needs: Need
    spans_vendors: bool
    auth: str
    judge: Judge


def check(
    id: str,
    *,
    area: str,
    severity: Severity,
    level: int,
    scenarios: tuple[str, ...],
    source: tuple[Source, ...],
    mutants: tuple[str, ...],
    vendors: tuple[str, ...] = ALL,
    needs: Need = "traffic",
    spans_vendors: bool = False,
    auth: str = "",
) -> Callable[[Judge], Check]:
    """Declares the decorated generator as a check.

    Raises:
        TypeError: there is no docstring, no source or no mutant: such a check is not to be believed.
    """

    def declare(judge: Judge) -> Check:
        title, _, rest = (inspect.getdoc(judge) or "").partition("\n")
        if not title or not source or not mutants:
            raise TypeError(f"{id}: a check needs a statement, a source and a mutant that it kills")
        return Check(
            id=id, area=area, title=title.rstrip("."), statement=rest.strip(), severity=severity, level=level,
            vendors=vendors, scenarios=scenarios, source=source, mutants=mutants, needs=needs,
            spans_vendors=spans_vendors, auth=auth, judge=judge,
        )  # fmt: skip

    return declare


def exercised(says: str, at: Iterable[Exchange] = ()) -> Exercised:
    """The mark that the statement was put to the test."""
    return Exercised(says, tuple(x.ref for x in at))


def untested(says: str) -> Untested:
    """The mark that the statement was not put to the test, and why."""
    return Untested(says)


def fail(
    cause: str,
    says: str,
    *,
    at: Iterable[Exchange] = (),
    case: str = "",
    expected: str = "",
    got: str = "",
    fix: str = "",
    sub: str = "",
    verdict: Verdict = Verdict.FAIL,
) -> Finding:
    """A finding; the case is that of the first exchange unless it is given."""
    proof = tuple(x.ref for x in at)
    return Finding(verdict, cause, says, proof, case or (proof[0].partition("/")[0] if proof else ""), expected, got,
                   fix, sub)  # fmt: skip


def warn(
    cause: str, says: str, *, at: Iterable[Exchange] = (), case: str = "", expected: str = "", got: str = "",
    fix: str = "",
) -> Finding:  # fmt: skip
    """A finding that does not fail: late, or against a SHOULD."""
    return fail(cause, says, at=at, case=case, expected=expected, got=got, fix=fix, verdict=Verdict.WARN)


def many(count: int, word: str) -> str:
    """`1 login`, `3 logins`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
