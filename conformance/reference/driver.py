"""emr-driver/1: messages in, facts out. The driver reports what was read; whether that is right is not its to say."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from conformance.reference import __version__
from conformance.reference.athena import Athena
from conformance.reference.behaviour import Behaviour, Json
from conformance.reference.cerner import Cerner
from conformance.reference.epic import Epic
from conformance.reference.failure import Failure
from conformance.reference.fhir import FURTHER, TYPES, FhirVendor, PatientRef
from conformance.reference.mutants import MUTANTS
from conformance.reference.run import Run
from conformance.reference.session import MAX_CONCURRENCY, Config, Session
from conformance.reference.syncing import sync
from conformance.reference.writing import write

VENDORS: dict[str, type[FhirVendor]] = {"epic": Epic, "cerner": Cerner, "athena": Athena}
KINDS = tuple(TYPES | FURTHER)
OP_TIMEOUT_MS = 30_000


class Driver:
    """Reads for many cases at once; each case has a session, hence a token, of its own.

    Args:
        connect: makes the session of a case; tests put their own network in here.
    """

    def __init__(self, connect: Callable[[Config, Behaviour], Session] = Session) -> None:
        self._connect = connect
        self._cases: dict[str, FhirVendor] = {}
        self._running: dict[str, set[asyncio.Task[Any]]] = {}

    async def answer(self, message: Json) -> Json:
        """The answer to one message; it echoes `id`."""
        work = {"hello": self._hello, "configure": self._configure, "run": self._run, "reset": self._reset}
        known = work.get(message.get("op", ""))
        return {"id": message.get("id"), **(await known(message) if known else {"status": "unsupported"})}

    async def _hello(self, message: Json) -> Json:
        return {
            "protocol": 1,
            "nonce": message.get("nonce"),
            "implementation": {"name": "emr-reference", "version": __version__, "language": "python"},
            "capabilities": ["read", "match", "sync", "write", "login"],
            "vendors": list(VENDORS),
            "kinds": list(KINDS),
            "limits": {"op_timeout_ms": OP_TIMEOUT_MS, "max_concurrency": MAX_CONCURRENCY},
        }

    async def _configure(self, message: Json) -> Json:
        settings = message.get("settings") or {}
        mutant = settings.get("mutant") or os.environ.get("EMR_MUTANT", "")
        urls = {"base_url": message.get("base_url"), **(message.get("urls") or {})}
        try:
            vendor = VENDORS[message["vendor"]]
            behaviour = MUTANTS[mutant].behaviour if mutant else Behaviour()
            config = Config(
                message["vendor"],
                urls,
                message.get("auth") or {},
                settings,
                message.get("ca_file"),
                message.get("mode") != "read-only",
            )
            await self._reset({"case": message["case"]})
            self._cases[message["case"]] = vendor(self._connect(config, behaviour))
        except KeyError as unknown:
            return _misconfigured(message, Failure("config", f"unknown or missing: {unknown}"))
        except Failure as failure:
            return _misconfigured(message, failure)
        return {"status": "ok"}

    async def _run(self, message: Json) -> Json:
        case, args = message.get("case", ""), message.get("args") or {}
        vendor, action = self._cases.get(case), _ACTIONS.get(message.get("action", ""))
        if vendor is None or action is None or not action.takes(args):
            return {"status": "unsupported"}
        task = asyncio.create_task(self._work(vendor, action, message, args))
        self._running.setdefault(case, set()).add(task)
        try:
            return await task
        finally:
            self._running.get(case, set()).discard(task)

    async def _work(self, vendor: FhirVendor, action: _Action, message: Json, args: Json) -> Json:
        session = vendor.session
        run = Run(session, message["action"], session.clock() + message.get("deadline_ms", OP_TIMEOUT_MS) / 1000)
        try:
            await session.begin(run.deadline)
            await action.work(vendor, run, args)
        except Failure as failure:
            run.fail(None, failure)
        return run.answer()

    async def _reset(self, message: Json) -> Json:
        """Forgets one case, or all, and ends what is still at work in it."""
        for case in [message["case"]] if message.get("case") else list(self._cases):
            late = self._running.pop(case, set())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            if vendor := self._cases.pop(case, None):
                await vendor.session.close()
        return {"status": "ok"}


@dataclass(frozen=True)
class _Action:
    """One action of `run`: what it does, and which arguments it needs, all of `needs` and one of `either`."""

    work: Callable[[FhirVendor, Run, Json], Awaitable[None]]
    needs: tuple[str, ...] = ()
    either: tuple[str, ...] = ()

    def takes(self, args: Json) -> bool:
        has_one = not self.either or any(name in args for name in self.either)
        return has_one and all(name in args for name in self.needs) and set(args.get("kinds", ())) <= set(KINDS)


async def _read_patient(vendor: FhirVendor, run: Run, args: Json) -> None:
    await _read(vendor, run, {**args, "kinds": ["patient"]})


async def _read(vendor: FhirVendor, run: Run, args: Json) -> None:
    patient = _whom(vendor, args["patient"])
    kinds = [kind for kind in args["kinds"] if kind in vendor.types]
    await asyncio.gather(*(run.collect(kind, vendor.read(run, kind, patient)) for kind in kinds))


def _whom(vendor: FhirVendor, patient: Json | str) -> PatientRef:
    """Who is asked about: by an id, or whoever's chart is open.

    Raises:
        Failure: no chart is open.
    """
    if isinstance(patient, str) or not patient.get("in_context"):
        return PatientRef.of(patient)
    if vendor.session.patient is None:
        raise Failure("auth", "nobody logged in from a chart", reason="no_context")
    return PatientRef.of(vendor.session.patient)


async def _search(vendor: FhirVendor, run: Run, args: Json) -> None:
    await run.collect("patient", vendor.find(run, args["params"]))


async def _match(vendor: FhirVendor, run: Run, args: Json) -> None:
    await run.collect("patient", vendor.match(run, args["patient"]))


async def _write(vendor: FhirVendor, run: Run, args: Json) -> None:
    if not isinstance(vendor, Epic):
        raise Failure("config", f"nothing is written to {vendor.vendor}")
    if not vendor.session.config.may_write and vendor.behaviour.heeds_mode:
        raise Failure("config", "nothing may be written", reason="read_only")
    await write(vendor, run, args["intent"])


async def _login(vendor: FhirVendor, run: Run, args: Json) -> None:
    """Sends somebody to the vendor's page, or takes them back."""
    if "redirect_url" in args:
        await vendor.logins.end(args["redirect_url"], run.deadline)
    else:
        run.note(authorize_url=vendor.logins.begin(args["iss"], args.get("launch")))


_ACTIONS = {
    "read_patient": _Action(_read_patient, ("patient",)),
    "read": _Action(_read, ("patient", "kinds")),
    "search": _Action(_search, ("params",)),
    "match": _Action(_match, ("patient",)),
    "sync": _Action(sync, ("scope", "kinds")),
    "write": _Action(_write, ("intent",)),
    "login": _Action(_login, either=("iss", "redirect_url")),
}


def _misconfigured(message: Json, failure: Failure) -> Json:
    return {"status": "error", "errors": [failure.report(str(message.get("vendor")), "configure", None)]}


class _Background:
    """A loop in a thread of its own, on which all cases live: `handle` may be called from any thread."""

    def __init__(self) -> None:
        self._driver = Driver()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()

    def handle(self, message: Json) -> Json:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="emr-reference", daemon=True).start()
        return asyncio.run_coroutine_threadsafe(self._driver.answer(message), self._loop).result()


handle = _Background().handle
"""The Python form of the protocol: a message in, its answer out."""
