"""Hand-written evidence: a script of exchanges and calls, as short as the sentence that a check says about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from conformance.catalogue import checks
from conformance.evidence import Call, Case, Evidence, Exchange
from conformance.judge import Judgement, judgement
from conformance.settings import Settings

EPOCH = datetime(2026, 1, 5, 12, 0, 0, tzinfo=UTC)
CLIENT_ID = "backend-1"
TOKEN_URL = "http://127.0.0.1/s/a/epic/oauth2/token"


class CaseScript:
    """One case being written. Times are seconds into the case; an exchange takes 10 ms unless told otherwise."""

    def __init__(self, id: str, family: str, vendor: str, auth: str, scenario: str = "") -> None:
        self.id = id
        self.scenario = scenario or f"{family.lower()}-test"
        self.family = family
        self.vendor = vendor
        self.client = {"auth": auth, "client_id": CLIENT_ID, "kid": "k1", "token_url": TOKEN_URL}
        self._data: list[dict[str, Any]] = []
        self._calls: list[Call] = []
        self._facts: list[dict[str, Any]] = []
        self._groups: dict[str, Any] = {}
        self._extras: list[dict[str, Any]] = []
        self.logs: list[str] = []
        self.has_logs = False
        self.leaks: list[dict[str, Any]] = []

    def get(
        self,
        path: str,
        at: float,
        status: int = 200,
        *,
        took: float = 0.01,
        token: str = "t1",
        query: str = "",
        fault: str = "",
        retry_after: str = "",
        served: Iterable[tuple[str, str]] = (),
        method: str = "GET",
        **more: Any,
    ) -> CaseScript:
        """A request for data and its answer."""
        headers = [["retry-after", retry_after]] if retry_after else []
        shown = [["authorization", f"Bearer access_token:{token}"]] if token else []
        return self._add(
            method=method,
            path=path,
            raw_path=f"/s/a/{self.vendor}{path}",
            query=query,
            t_s=at,
            duration_ms=took * 1000,
            status=status or None,
            fault={"id": "f1", "fault": fault, "step": "refuse"} if fault else None,
            request_headers=shown,
            response_headers=headers,
            served=[list(pair) for pair in served],
            **more,
        )

    def login(
        self,
        at: float,
        status: int = 200,
        *,
        body: str = "grant_type=client_credentials",
        assertion: Mapping[str, Any] | None = None,
        basic: bool = False,
        query: str = "",
        retry_after: str = "",
        fault: str = "",
        refusal: str = "",
    ) -> CaseScript:
        """A request to the token endpoint; `assertion` replaces members of a sound one."""
        token_assertion = None
        if assertion is not None:
            header = {"alg": "RS384", "typ": "JWT", "kid": "k1"}
            now = EPOCH.timestamp() + at
            claims = {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": TOKEN_URL, "jti": f"j{at}", "exp": now + 240}
            given = dict(assertion)
            header |= {key: given.pop(key) for key in ("alg", "typ", "kid") if key in given}
            token_assertion = {"header": header, "claims": {**claims, **given}}
            body += "&client_assertion=x"
        shown = [["authorization", "Basic backend-1:client_secret:abc"]] if basic else []
        return self._add(
            method="POST",
            path="/oauth2/token",
            raw_path=f"/s/a/{self.vendor}/oauth2/token",
            query=query,
            t_s=at,
            duration_ms=10.0,
            status=status,
            fault={"id": "f1", "fault": fault, "step": "refuse"} if fault else None,
            request_headers=shown,
            request_body=body,
            response_headers=[["retry-after", retry_after]] if retry_after else [],
            assertion=token_assertion,
            refusal=refusal or None,
        )

    def _add(self, **entry: Any) -> CaseScript:
        self._data.append({"id": f"x{len(self._data) + 1}", "vendor": self.vendor, "simulated": True, **entry})
        return self

    def call(
        self,
        at: float,
        until: float,
        *kinds: str,
        action: str = "read",
        status: str = "ok",
        errors: Iterable[Mapping[str, Any]] = (),
        dropped: Iterable[Mapping[str, Any]] = (),
        problem: str = "",
        params: Mapping[str, str] | None = None,
        changed: Iterable[str] = (),
        **more: Any,
    ) -> CaseScript:
        """A `run` call to the driver and its answer, with `more` members."""
        answer: dict[str, Any] = {"status": status, "errors": list(errors), "dropped": list(dropped)} | more
        args: dict[str, Any] = {"kinds": list(kinds)}
        if params is not None:
            args = {"kind": "patient", "params": dict(params)}
        self._calls.append(
            Call(
                "run",
                action,
                args,
                {} if problem else answer,
                problem,
                at,
                until,
                step=len(self._calls),
                subject="1",
                changed=tuple(changed),
            )
        )
        return self

    def fact(
        self,
        id: str,
        *,
        found: bool = True,
        source: tuple[str, str] = ("Condition", "c1"),
        part: str = "",
        patient: str = "1",
        expected: Mapping[str, Any] | None = None,
        wrong: Iterable[Mapping[str, Any]] = (),
        lost: Iterable[str] = (),
        times: int | None = None,
        admitted: bool = False,
        rows: Iterable[int] = (),
        got: Mapping[str, Any] | None = None,
    ) -> CaseScript:
        """A fact that the last call should have given; `got` when it came otherwise than `expected`."""
        told = {"vendor": self.vendor, "type": source[0], "id": source[1], **({"part": part} if part else {})}
        default = {"severity": "major", "verdict": "wrong", "expected": "a", "got": "b", "hint": ""}
        self._facts.append(
            {
                "call": len(self._calls) - 1,
                "fact": id,
                "patient": patient,
                "kind": id.partition(":")[0],
                "found": found,
                "source": told,
                "sources": [list(source)],
                "times": int(found) if times is None else times,
                "lost": list(lost),
                "admitted": admitted,
                "rows": list(rows),
                "mismatches": [{**default, **one} for one in wrong],
                "expected": dict(expected or {}),
                "got": dict(got or expected or {}) if found else None,
            }
        )
        return self

    def extra(
        self, kind: str, says: str = "was never served", type: str = "Condition", id: str = "z9", **more: str
    ) -> CaseScript:
        """A record in the output of the last call that is no fact."""
        source = {"vendor": self.vendor, "type": type, "id": id}
        self._extras.append(
            {"call": len(self._calls) - 1, "kind": kind, "source": source, "says": says, "assertion": "none-known"}
            | {"verdict": "hallucinated", "severity": "critical"}
            | more
        )
        return self

    def grouping(self, *false_merges: Iterable[int]) -> CaseScript:
        """How the integration groups ids into persons; `false_merges` are groups of different people."""
        pairs = {"truth": 1, "returned": 1 + len(false_merges), "right": 1}
        self._groups = {"grouping": {"pairs": pairs, "false_merges": [list(one) for one in false_merges], "missed": []}}
        return self

    def log(self, *lines: str, leaks: Iterable[Mapping[str, str]] = ()) -> CaseScript:
        """Lines that the integration logged, and what was found in them."""
        self.has_logs = True
        self.logs += lines
        self.leaks += [dict(one) for one in leaks]
        return self

    def case(self) -> Case:
        return Case(
            id=self.id,
            scenario=self.scenario,
            family=self.family,
            vendor=self.vendor,
            client=self.client,
            exchanges=tuple(Exchange(self.id, self.vendor, data, EPOCH) for data in self._data),
            calls=tuple(self._calls),
            score={"facts": self._facts, "extras": self._extras, **self._groups},
            logs=tuple(self.logs),
            has_logs=self.has_logs,
            leaks=tuple(self.leaks),
        )


class Script:
    """Evidence being written."""

    def __init__(self) -> None:
        self._cases: list[CaseScript] = []

    def case(
        self, family: str, *, vendor: str = "epic", auth: str = "private_key_jwt", scenario: str = ""
    ) -> CaseScript:
        made = CaseScript(f"c{len(self._cases) + 1}", family, vendor, auth, scenario)
        self._cases.append(made)
        return made

    def cases(self) -> tuple[Case, ...]:
        return tuple(script.case() for script in self._cases)

    def judged(self, check: str, *, settings: Settings | None = None) -> Judgement:
        """What the check says of what was written."""
        vendor = "*" if checks()[check].spans_vendors else "epic"
        return judgement(checks()[check], Evidence(vendor, self.cases(), settings or Settings()))


@pytest.fixture
def script() -> Script:
    return Script()
