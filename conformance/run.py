"""A run: plays the cases of a plan on one server, collects evidence, judges it.

Each case gets a sandbox of its own with a random name, so that nothing but its URL tells it apart; the driver is never
told the scenario. Cases run a few at a time, because most of them wait; those that measure time run alone.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from conformance import leaks
from conformance.cast import Cast, choose
from conformance.collect import LogFiles
from conformance.drivers import DriverFailed, Message, Opener
from conformance.evidence import Case
from conformance.plan import CasePlan
from conformance.player import PATIENTS, START, Stage, checked, play_one, situation
from conformance.protocol import answer_flaw
from conformance.pulse import Pulse
from conformance.settings import Settings
from simulator.population.people import Population
from simulator.population.world import World
from simulator.refusal import UsageError
from simulator.server import running
from simulator.settings import AS_OF
from simulator.settings import Settings as ServerSettings
from simulator.tls import trust

WORKERS = 6

Progress = Callable[[CasePlan, float], None]


@dataclass(frozen=True)
class Played:
    """What a run saw: the cases, who the integration says it is, the settings as the host's pace made them."""

    cases: tuple[Case, ...]
    implementation: Mapping[str, Any]
    settings: Settings
    cast: Cast
    seconds: float
    scheduler_p99_ms: float


def play(
    plans: Sequence[CasePlan],
    opener: Opener,
    settings: Settings,
    *,
    mutant: str = "",
    log_files: LogFiles | None = None,
    progress: Progress = lambda plan, seconds: None,
    workers: int = WORKERS,
    tls: bool = False,
) -> Played:
    """Plays every case and gives the evidence.

    Raises:
        UsageError: the driver cannot be spoken to, or a scenario of the user cannot be played.
        HarnessDefect: something of ours is broken.
    """
    began = time.monotonic()
    for path in dict.fromkeys(plan.drive.path for plan in plans):
        situation(path)
    vendors = tuple(dict.fromkeys(plan.vendor for plan in plans))
    server_settings = ServerSettings(seed=settings.seed, patients=PATIENTS, max_sandboxes=len(plans) + 8, tls=tls)
    needs_tls = any(plan.needs_tls for plan in plans) and not tls
    with ExitStack() as opened:
        server = secure = opened.enter_context(running(server_settings))
        if needs_tls:
            secure = opened.enter_context(running(replace(server_settings, tls=True)))
        pulse, folder = opened.enter_context(Pulse()), opened.enter_context(TemporaryDirectory())
        environment = trust.environment_of(secure.ca_file, Path(folder)) if secure.ca_file is not None else {}
        stage = Stage(server, secure, _cast(settings.seed), opener, settings, mutant, log_files, environment)
        try:
            implementation = _introduce(stage, vendors)
            cases = _play_all(plans, stage, progress, workers)
        finally:
            for driver in stage.opened:
                driver.close()
    slow = pulse.p99_ms > settings.scheduler_p99_ms
    return Played(
        cases=_with_leaks(cases),
        implementation=implementation,
        settings=replace(settings, is_host_slow=slow),
        cast=stage.cast,
        seconds=time.monotonic() - began,
        scheduler_p99_ms=round(pulse.p99_ms, 1),
    )


@lru_cache(maxsize=8)
def _cast(seed: int) -> Cast:
    return choose(World(Population(seed=seed, size=PATIENTS, as_of=AS_OF)))


def _introduce(stage: Stage, vendors: Sequence[str]) -> Mapping[str, Any]:
    """Says hello, so that a broken adapter is told from a broken integration before anything is judged."""
    nonce = secrets.token_hex(4)
    message: Message = {"id": 1, "op": "hello", "protocol": 1, "nonce": nonce}
    try:
        answer = stage.driver().send(checked(message), START)
    except DriverFailed as failure:
        raise UsageError(
            f"the driver does not answer `hello`: {failure}", "see `conformance/protocol/driver-v1.json`"
        ) from failure
    wrong = answer_flaw("hello", answer)
    if not wrong and answer.get("nonce") != nonce:
        wrong = f"nonce: {answer.get('nonce')!r} is not the one that was sent"
    if wrong:
        raise UsageError(f"the driver's answer to `hello` is not emr-driver/1: {wrong}")
    missing = [vendor for vendor in vendors if "vendors" in answer and vendor not in answer["vendors"]]
    if missing:
        raise UsageError(f'the manifest declares "{missing[0]}", the driver does not: {answer["vendors"]}')
    return dict(answer["implementation"])


def _play_all(
    plans: Sequence[CasePlan], stage: Stage, progress: Progress, workers: int
) -> list[tuple[Case, list[leaks.Canary]]]:
    together = [plan for plan in plans if not plan.drive.is_alone]
    alone = [plan for plan in plans if plan.drive.is_alone]
    found: dict[int, tuple[Case, list[leaks.Canary]]] = {}

    def timed(plan: CasePlan) -> tuple[Case, list[leaks.Canary]]:
        began = time.monotonic()
        played = play_one(plan, stage)
        progress(plan, time.monotonic() - began)
        return played

    with ThreadPoolExecutor(max_workers=max(1, min(workers, len(together) or 1))) as pool:
        jobs = {pool.submit(timed, plan): id(plan) for plan in together}
        try:
            for job in as_completed(jobs):
                found[jobs[job]] = job.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    for plan in alone:
        found[id(plan)] = timed(plan)
    return [found[id(plan)] for plan in plans]


def _with_leaks(played: Sequence[tuple[Case, list[leaks.Canary]]]) -> tuple[Case, ...]:
    """The cases with what their logs give away, looked for with every canary of the run: log lines may come late."""
    every = list(dict.fromkeys(canary for _, canaries in played for canary in canaries))
    return tuple(
        replace(
            case,
            leaks=tuple(hit.as_dict() for hit in leaks.search(case.logs, every)),
            logs=tuple(leaks.hidden(case.logs, every)),
        )
        if case.logs
        else case
        for case, _ in played
    )
