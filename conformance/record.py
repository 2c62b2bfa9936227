"""`run.ndjson`: a run as it was, one JSON object a line; reports are rendered from it and verdicts judged again.

header     who, what, when: implementation, seed, scope, settings, checks
case       one case: scenario, vendor, client, calls, score, logs, leaks
exchange   one exchange of a case
finding    where a check did not hold
verdict    what a check says of a vendor
footer     counts, exit code, digest of the lines before; a file without it is not a run
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from conformance.check import Finding
from conformance.evidence import Call, Case, Exchange
from conformance.judge import Judgement, Scope
from conformance.settings import Settings
from conformance.verdict import Verdict
from simulator.refusal import UsageError

FORMAT = "emr-sandbox-run/1"


@dataclass(frozen=True)
class Run:
    """Everything that is known of one run; `stale` are sentences about waivers that no longer fit."""

    header: Mapping[str, Any]
    cases: tuple[Case, ...]
    judgements: tuple[Judgement, ...]
    exit_code: int
    stale: tuple[str, ...] = ()

    @property
    def scope(self) -> Scope:
        told = self.header["scope"]
        auth = {vendor: tuple(ways) for vendor, ways in told["auth"].items()}
        return Scope(tuple(told["vendors"]), auth, tuple(told["declares"]), told["level"], told["has_logs"])

    @property
    def settings(self) -> Settings:
        return Settings(**self.header["settings"])

    @property
    def counts(self) -> dict[str, int]:
        """How many cells have which verdict; waived ones apart."""
        counted = Counter("waived" if one.is_waived else one.verdict.value for one in self.judgements)
        return {name: counted[name] for name in (*[verdict.value for verdict in Verdict], "waived") if counted[name]}

    def exchange(self, ref: str) -> Exchange | None:
        """The exchange that a finding cites as "case/x12"."""
        case_id, _, id = ref.partition("/")
        for case in self.cases:
            if case.id == case_id:
                return next((x for x in case.exchanges if x.data["id"] == id), None)
        return None

    def case(self, id: str) -> Case | None:
        return next((case for case in self.cases if case.id == id), None)


def lines_of(run: Run) -> Iterator[str]:
    """The lines of `run.ndjson`, footer included."""
    digest = hashlib.sha256()
    for value in _values(run):
        line = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        digest.update(line.encode() + b"\n")
        yield line
    footer = {"type": "footer", "counts": run.counts, "exit_code": run.exit_code, "sha256": digest.hexdigest()}
    yield json.dumps(footer, ensure_ascii=False, separators=(",", ":"))


def _values(run: Run) -> Iterator[dict[str, Any]]:
    yield {"type": "header", "format": FORMAT, **run.header}
    for case in run.cases:
        yield {
            "type": "case",
            "id": case.id,
            "scenario": case.scenario,
            "family": case.family,
            "vendor": case.vendor,
            "client": dict(case.client),
            "epoch": case.exchanges[0].epoch.isoformat() if case.exchanges else None,
            "calls": [asdict(call) for call in case.calls],
            "score": dict(case.score),
            "has_logs": case.has_logs,
            "logs": list(case.logs),
            "leaks": [dict(leak) for leak in case.leaks],
        }
        for x in case.exchanges:
            yield {"type": "exchange", "case": case.id, **x.data}
    yield from judged_lines(run.judgements)
    for sentence in run.stale:
        yield {"type": "stale_waiver", "says": sentence}


def judged_lines(judgements: Sequence[Judgement]) -> Iterator[dict[str, Any]]:
    """The findings and verdicts as lines: the same evidence always gives the same ones."""
    for one in judgements:
        for finding in one.findings:
            yield {"type": "finding", "check": one.check, "vendor": one.vendor, **asdict(finding)}
    for one in judgements:
        said: dict[str, Any] = {
            "type": "verdict",
            "check": one.check,
            "vendor": one.vendor,
            "verdict": one.verdict.value,
        }
        yield {**said, "says": one.says, "at": list(one.at), "waived": one.is_waived}


def write(run: Run, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(line + "\n" for line in lines_of(run))


def read(path: Path) -> Run:
    """The run that is recorded at `path`.

    Raises:
        UsageError: there is none, it has no footer, or it was changed afterwards.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        values = [json.loads(line) for line in lines]
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError:  # no JSON, or no UTF-8
        raise UsageError(f"{path}: not NDJSON", "give the `run.ndjson` of `emr-sandbox check --report DIR`") from None
    if not values or not all(isinstance(value, dict) for value in values) or values[0].get("format") != FORMAT:
        raise UsageError(f"{path}: not a run of this format: {FORMAT}")
    if values[-1].get("type") != "footer":
        raise UsageError(f"{path}: no footer: the run was cut short, and proves nothing", "run the check again")
    if hashlib.sha256("".join(f"{line}\n" for line in lines[:-1]).encode()).hexdigest() != values[-1]["sha256"]:
        raise UsageError(f"{path}: the footer does not fit the lines before it: the file was changed")
    return _run(values)


def _run(values: list[dict[str, Any]]) -> Run:
    header = {key: value for key, value in values[0].items() if key not in ("type", "format")}
    exchanges: dict[str, list[dict[str, Any]]] = {}
    findings: dict[tuple[str, str], list[Finding]] = {}
    for value in values:
        if value["type"] == "exchange":
            exchanges.setdefault(value["case"], []).append(
                {k: v for k, v in value.items() if k not in ("type", "case")}
            )
        elif value["type"] == "finding":
            findings.setdefault((value["check"], value["vendor"]), []).append(_finding(value))
    return Run(
        header=header,
        cases=tuple(_case(value, exchanges.get(value["id"], [])) for value in values if value["type"] == "case"),
        judgements=tuple(
            Judgement(
                value["check"], value["vendor"], Verdict(value["verdict"]), value["says"],
                tuple(findings.get((value["check"], value["vendor"]), ())), tuple(value["at"]), value["waived"],
            )
            for value in values
            if value["type"] == "verdict"
        ),
        exit_code=values[-1]["exit_code"],
        stale=tuple(value["says"] for value in values if value["type"] == "stale_waiver"),
    )  # fmt: skip


def _finding(value: Mapping[str, Any]) -> Finding:
    told = {key: item for key, item in value.items() if key not in ("type", "check", "vendor")}
    return Finding(**{**told, "verdict": Verdict(told["verdict"]), "at": tuple(told["at"])})


def _case(value: Mapping[str, Any], exchanges: list[dict[str, Any]]) -> Case:
    epoch = datetime.fromisoformat(value["epoch"]) if value["epoch"] else datetime.min
    return Case(
        id=value["id"],
        scenario=value["scenario"],
        family=value["family"],
        vendor=value["vendor"],
        client=value["client"],
        exchanges=tuple(Exchange(value["id"], value["vendor"], data, epoch) for data in exchanges),
        calls=tuple(map(_call, value["calls"])),
        score=value["score"],
        has_logs=value["has_logs"],
        logs=tuple(value["logs"]),
        leaks=tuple(value["leaks"]),
    )


def _call(value: Mapping[str, Any]) -> Call:
    people = tuple((number, born) for number, born in value.get("people", ()))
    return Call(**{**value, "changed": tuple(value.get("changed", ())), "people": people})
