"""One case: a fresh sandbox, a scenario that plays in it, and what the driver is asked meanwhile."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import scenarios
from conformance import compare, leaks, scoring
from conformance.browser import Browser
from conformance.canary import Canary, listening
from conformance.cast import Cast
from conformance.collect import LogFiles, canaries_of, exchanges_of
from conformance.compare import SourceKey
from conformance.drive import Step
from conformance.drivers import Driver, DriverFailed, Message, Opener
from conformance.evidence import Call, Case, Exchange
from conformance.happens import Happenings
from conformance.intents import INTENTS, changed
from conformance.lookalikes import number_of, question
from conformance.plan import CasePlan
from conformance.protocol import answer_flaw, request_flaw
from conformance.settings import Settings
from simulator import scenario
from simulator.auth import keyring
from simulator.control.place import vendor_urls
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox, Site
from simulator.scenario import Scenario
from simulator.server import Running

PATIENTS = 10_000
ASK = timedelta(seconds=10)
_LATE_SHARE, _LATE_LEAST = 0.1, timedelta(seconds=0.5)
BEHIND = timedelta(seconds=120)  # the integration's clock is ahead by, in cases with the time of day
START = timedelta(seconds=30)  # the first message of a process, several of which may start at once
_CLIENT_TOLD = ("name", "auth", "client_id", "kid", "scopes", "token_url", "redirect_uris")
_UNKNOWN_KEY_SLOT = keyring.SLOTS - 1


class HarnessDefect(Exception):
    """Our own side is broken: a message of ours is not what our schema says, a scenario does not fit its room."""


@dataclass
class Stage:
    """What all cases of a run share. `secure` is a server that speaks TLS, when a case needs one."""

    server: Running
    secure: Running
    cast: Cast
    opener: Opener
    settings: Settings
    mutant: str
    log_files: LogFiles | None
    environment: Mapping[str, str] = field(default_factory=dict)
    local: threading.local = field(default_factory=threading.local)
    opened: list[Driver] = field(default_factory=list)
    abroad: dict[str, tuple[threading.Lock, Driver]] = field(default_factory=dict)
    opening: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def driver_in(self, zone: str) -> Iterator[Driver]:
        """A driver whose process has this time zone, for one case at a time; without one this thread's own."""
        if not zone:
            yield self.driver()
            return
        with self.opening:
            if zone not in self.abroad:
                self.abroad[zone] = threading.Lock(), self.opener({**self.environment, "TZ": zone})
                self.opened.append(self.abroad[zone][1])
        lock, driver = self.abroad[zone]
        with lock:
            yield driver

    def driver(self) -> Driver:
        """This thread's driver."""
        found: Driver | None = getattr(self.local, "driver", None)
        if found is None:
            found = self.local.driver = self.opener(self.environment)
            self.opened.append(found)
        return found


def situation(path: Path) -> Scenario:
    """The scenario of a file that is to be played.

    Raises:
        UsageError: it is none, and it is the user's own; the message names file, value and way out.
        HarnessDefect: it is one of ours.
    """
    try:
        return scenario.load(path)
    except UsageError as flaw:
        raise _of_whom(path, flaw) from flaw


def _of_whom(path: Path, flaw: UsageError) -> Exception:
    """A flaw of a scenario, as that of its writer: ours, or the user's."""
    if path.resolve().parent == Path(str(scenarios.FOLDER)).resolve():
        return HarnessDefect(f"scenario {path.stem}: {flaw.message}")
    named = flaw.message if str(path) in flaw.message else f"{path}: {flaw.message}"
    return UsageError(named, flaw.hint)


def play_one(plan: CasePlan, stage: Stage) -> tuple[Case, list[leaks.Canary]]:
    server = stage.secure if plan.needs_tls else stage.server
    sandbox = server.sandboxes.create(seed=stage.settings.seed, patients=PATIENTS, id=secrets.token_hex(5))
    try:
        if plan.drive.has_door:
            server.open_door(sandbox, plan.vendor)
        try:
            if plan.drive.is_real_time:
                _set_behind(sandbox)
            scenario.play(situation(plan.drive.path), sandbox)
        except UsageError as flaw:
            raise _of_whom(plan.drive.path, flaw) from flaw
        with ExitStack() as opened:
            driver = opened.enter_context(stage.driver_in(plan.drive.time_zone))
            canary = opened.enter_context(listening()) if plan.drive.has_canary else None
            if canary is not None:
                leads = {"into": "given", "url": canary.url}
                sandbox.faults.add({"when": {"operation": "Observation.search"}, "fault": "dead_link", "args": leads})
            return Player(plan, stage, server, sandbox, driver, canary).played()
    finally:
        if sandbox.doors:
            server.close_doors(sandbox)
        server.sandboxes.drop(sandbox.id)


def _set_behind(sandbox: Sandbox) -> None:
    """The vendors have the time of day, and run behind the integration's clock; for that alone no login is refused."""
    sandbox.clock.skew = -BEHIND
    sandbox.clock.set(sandbox.clock.wall())
    for site in sandbox.sites.values():
        if "assertion_rules" in site.settings:
            site.change_settings({"assertion_rules": {"skew": BEHIND}})


class Player:
    """Plays one case."""

    def __init__(
        self, plan: CasePlan, stage: Stage, server: Running, sandbox: Sandbox, driver: Driver, canary: Canary | None
    ) -> None:
        self._canary = canary
        self._plan = plan
        self._stage = stage
        self._server = server
        self._sandbox = sandbox
        self._site: Site = sandbox.sites[plan.vendor]
        self._driver = driver
        self._case = secrets.token_hex(4)
        self._next_id = 1
        self._began = time.monotonic()
        self._calls: list[Call] = []
        self._records: dict[int, list[dict[str, Any]]] = {}
        self._spans: dict[int, tuple[int, datetime, datetime]] = {}
        self._held: dict[SourceKey, dict[str, Any]] = {}  # what the integration has after its syncs
        self._cursor = ""
        self._whom: int | None = None  # whose chart was open when somebody logged in
        self._happenings = Happenings(sandbox.world)
        self._beside: set[int] = set()  # who may be taken for whom is asked for

    def played(self) -> tuple[Case, list[leaks.Canary]]:
        self._driver.drain()
        urls = vendor_urls(self._sandbox, self._server.url)[self._plan.vendor]
        client = self._client(urls["token_url"])
        self._browser = Browser(self._site, urls, self._server.ca_file)
        self._client_id = str(client["client_id"])
        self._ask("configure", self._configuration(urls, client), START)
        self._probe()
        for number, step in enumerate(self._plan.drive.steps):
            self._take(number, step)
        exchanges = exchanges_of(self._sandbox, self._case, self._began)
        if self._canary is not None:
            heard = self._canary.entries(self._plan.vendor, self._began)
            epoch = datetime.now(UTC) - timedelta(seconds=time.monotonic() - self._began)
            exchanges += tuple(Exchange(self._case, self._plan.vendor, one, epoch) for one in heard)
        self._ask("reset", {"case": self._case}, ASK)
        logs = self._driver.drain()
        if self._stage.log_files is not None:
            logs += self._stage.log_files.drain()
        asked = {int(call.subject) for call in self._calls if call.subject} | self._beside
        about: dict[str, Any] = {
            "kinds": {kind for call in self._calls for kind in call.asked_kinds},
            "with_rows": self._plan.drive.keeps_records,
            "client_id": client["client_id"],
        }
        truth = compare.Truth()
        for number in sorted(asked):
            kinds = {kind for call in self._calls if call.subject == str(number) for kind in call.asked_kinds}
            truth.take(compare.truth_of(self._site, [number], **about | {"kinds": kinds or {"patient"}}))
        compare.add_moments(truth, self._site, self._spans, **about)
        case = Case(
            id=self._case,
            scenario=self._plan.drive.scenario,
            family=self._plan.drive.family,
            vendor=self._plan.vendor,
            client={key: client[key] for key in _CLIENT_TOLD if key in client},
            exchanges=exchanges,
            calls=tuple(self._calls),
            score=scoring.score(
                truth, self._calls, self._records, exchanges, keeps_records=self._plan.drive.keeps_records
            ),
            logs=tuple(logs),
            has_logs=self._driver.has_logs or self._stage.log_files is not None,
        )
        return case, canaries_of(self._site, self._stage.cast.each, client)

    def _client(self, token_url: str) -> dict[str, Any]:
        is_app = self._plan.drive.client == "app"
        clients = [one for one in self._site.clients.values() if one.is_app == is_app and one.offline == is_app]
        if self._plan.drive.writes:
            clients = [one for one in clients if any(scope.endswith((".write", ".cruds")) for scope in one.scopes)]
        wanted = self._plan.auth
        fitting = [one for one in clients if one.auth == wanted] if wanted else clients
        if not fitting:
            known = ", ".join(sorted({one.auth for one in clients}))
            raise UsageError(f"{self._plan.vendor} has no client with `{wanted}`; it has: {known}")
        client = fitting[0].as_dict(token_url)
        if self._plan.drive.credentials == "wrong":
            if "private_key_pem" in client:
                client["private_key_pem"] = keyring.key(_UNKNOWN_KEY_SLOT, client["kid"]).pem
            if "client_secret" in client:
                client["client_secret"] = client["client_secret"][::-1] + "x"
        client.pop("jwk", None)
        return client

    def _configuration(self, urls: Mapping[str, str], client: Mapping[str, Any]) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        mappings = self._site.settings.get("mappings")
        if mappings:
            settings["mappings"] = mappings
        if self._stage.mutant:
            settings["mutant"] = self._stage.mutant
        trusted = self._server.ca_file
        return {
            **({"ca_file": str(trusted)} if trusted is not None else {}),
            "case": self._case,
            "vendor": self._plan.vendor,
            "tenant": "t1",
            "base_url": urls["base_url"],
            "urls": dict(urls),
            "auth": dict(client),
            "mode": self._plan.drive.mode or ("read-write" if self._plan.drive.writes else "read-only"),
            "settings": settings,
        }

    def _probe(self) -> None:
        """An action that nobody knows.

        Raises:
            UsageError: the answer is not `unsupported`: such a driver answers by heart.
        """
        action = f"q{secrets.token_hex(3)}_unknown"
        self._ask("run", {"case": self._case, "action": action, "args": {}, "deadline_ms": 5000}, ASK, action=action)
        answered = self._calls[-1]
        if answered.status != "unsupported":
            raise UsageError(
                f"the driver answers an action that nobody knows with `{answered.problem or answered.status}`",
                'unknown actions are answered {"status": "unsupported"}',
            )

    def _take(self, number: int, step: Step) -> None:
        kinds = [kind for kind in step.kinds or self._plan.kinds if kind in self._plan.kinds]
        if step.action in ("read", "sync") and not kinds:
            return
        if step.advance_s:
            self._sandbox.clock.advance(timedelta(seconds=step.advance_s))
        for what in step.happens:
            for subject in self._subjects(step):
                if subject is not None:
                    self._happenings.happen(what, subject, self._sandbox.clock.now())
        if step.action == "match":
            self._match(number, step)
            return
        if step.action == "login":
            for subject in self._subjects(step) * step.times:
                self._log_in(number, step, subject)
            return
        for subject in self._subjects(step) * step.times:
            args = self._args(step, subject, kinds)
            message = {
                "case": self._case,
                "action": step.action,
                "args": args,
                "deadline_ms": int(self._plan.drive.deadline_s * 1000),
            }
            deadline = timedelta(seconds=self._plan.drive.deadline_s)
            self._ask("run", message, deadline, action=step.action, step=number, subject=subject)

    def _match(self, number: int, step: Step) -> None:
        """Asks who a look-alike is."""
        told = question(self._site, step.who)
        if told is not None:
            deadline = timedelta(seconds=self._plan.drive.deadline_s)
            message = {
                "case": self._case,
                "action": "match",
                "args": {"patient": told},
                "deadline_ms": int(self._plan.drive.deadline_s * 1000),
            }
            self._ask("run", message, deadline, action="match", step=number, who=step.who)

    def _log_in(self, number: int, step: Step, subject: int | None) -> None:
        """Somebody opens the app, their browser goes where it is sent, and comes back or does not."""
        deadline = timedelta(seconds=self._plan.drive.deadline_s)
        whom = self._stage.cast.rich if subject is None else subject

        def ask(args: Mapping[str, Any]) -> None:
            deadline_ms = int(self._plan.drive.deadline_s * 1000)
            message = {"case": self._case, "action": "login", "args": args, "deadline_ms": deadline_ms}
            self._ask("run", message, deadline, action="login", step=number, browser=step.browser)

        self._whom = whom
        opened = self._browser.asked(step.browser, self._client_id, whom)
        authorize_url = ""
        if opened is not None:
            ask(opened)
            authorize_url = str(self._calls[-1].answer.get("authorize_url") or "")
        back = self._browser.returned(step.browser, authorize_url)
        if back:
            ask({"redirect_url": back})

    def _subjects(self, step: Step) -> list[int | None]:
        if step.patient == "each":
            everybody = self._stage.cast.each
            return [one for one in everybody if step.action != "search" or self._is_born_on_a_day(one)]
        if step.patient in ("merged", "survivor"):
            return [self._merged[1]]
        if step.patient == "homonym":
            return [self._homonym()]
        if step.patient == "context":
            return [] if self._whom is None else [self._whom]
        if step.patient == "junior":
            return [number_of("junior")]
        if step.patient == "other":
            return [next(one for one in self._stage.cast.each if one != self._stage.cast.rich)]
        return [None] if step.patient == "nobody" else [self._stage.cast.rich]

    @cached_property
    def _merged(self) -> tuple[int, int]:
        """A second registration with visits of its own, merged into the first when this is first asked for; and that
        one."""
        world = self._sandbox.world
        standing = (number for number in world.population.registrations if world.survivor(number) is None)
        lost = next(number for number in standing if world.chart(number).encounters)
        kept = world.human(lost)
        world.merge(lost, kept, "registrar", self._sandbox.clock.now())
        return lost, kept

    def _homonym(self) -> int:
        """One of the two men of the population's cast who have one name and birth date."""
        one, other = number_of("homonym"), number_of("homonym2")
        self._beside |= {one, other}
        return one

    def _is_born_on_a_day(self, number: int) -> bool:
        """Whether the birth date is known to the day: no vendor can be searched by less."""
        person = self._sandbox.world.person(number)
        return person is not None and person.birth_precision == "day"

    def _args(self, step: Step, subject: int | None, kinds: Sequence[str]) -> dict[str, Any]:
        if step.action == "search":
            assert subject is not None
            person = self._sandbox.world.chart(subject).person
            params = {"family": person.family, "given": person.given[0], "birth_date": person.birth}
            return {"kind": "patient", "params": {name: params[name] for name in step.by or params}}
        if step.action == "write":
            intent = INTENTS[step.intent]
            key = f"bk-{secrets.token_hex(4)}"
            about = {"kind": intent.kind, "patient": self._patient(subject), "business_key": key}
            return {"intent": about | {"body": dict(intent.body)}}
        if step.action == "sync":
            cursor = {"cursor": self._cursor} if self._cursor else {}
            return {"scope": [self._patient(subject)], "kinds": list(kinds), **cursor}
        if step.patient == "context":
            return {"patient": {"in_context": True}} | ({"kinds": list(kinds)} if step.action == "read" else {})
        args: dict[str, Any] = {"patient": self._patient(self._merged[0] if step.patient == "merged" else subject)}
        if step.action == "read":
            args["kinds"] = list(kinds)
        return args

    def _patient(self, subject: int | None) -> dict[str, Any]:
        vendor = self._site.vendor
        ids = vendor.patient_ids(self._site, self._stage.cast.rich if subject is None else subject)
        if subject is None:
            ids = {name: _nobodys(id, lambda text: vendor.patient_of(self._site, text)) for name, id in ids.items()}
        return {"id": ids.get("patientid") or ids.get("fhir_id") or next(iter(ids.values())), "ids": ids}

    def _ask(
        self, op: str, members: Mapping[str, Any], deadline: timedelta, *, action: str = "", step: int = -1,
        subject: int | None = None, who: str = "", browser: str = "",
    ) -> None:  # fmt: skip
        self._next_id += 1
        message = checked({"id": self._next_id, "op": op, **members})
        since = self._sandbox.clock.now()
        writes = self._sandbox.world.writes
        start = time.monotonic() - self._began
        answer: Message = {}
        problem = ""
        patience = deadline + max(deadline * _LATE_SHARE, _LATE_LEAST)  # who keeps a deadline answers a moment after it
        try:
            answer = dict(self._driver.send(message, patience))
            wrong = answer_flaw(op, answer)
            problem = f"protocol: {wrong}" if wrong else ""
        except DriverFailed as failure:
            problem = str(failure)
        end = time.monotonic() - self._began
        records = answer.pop("records", None) or []
        count = len(records)
        if action == "sync":
            self._cursor = str(answer.get("cursor") or self._cursor)
            records = self._hold(records, answer.get("deleted") or ())
        if action and step >= 0:
            self._records[len(self._calls)] = records
            if subject is not None:
                self._spans[len(self._calls)] = (subject, since, self._sandbox.clock.now())
        self._calls.append(
            Call(
                op=op,
                action=action,
                args=members.get("args") or {},
                answer=answer,
                problem=problem,
                start=round(start, 6),
                end=round(end, 6),
                step=step,
                subject="" if subject is None else str(subject),
                count=count,
                changed=self._changed(writes, members, subject) if action == "write" else (),
                who=who,
                browser=browser,
                people=tuple(map(self._person, records)) if action in ("search", "match") else (),
            )
        )

    def _hold(self, records: Sequence[dict[str, Any]], deleted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What the integration holds when it has taken in what a `sync` gave."""
        gone = {(str(one.get("type")), str(one.get("id"))) for one in deleted}
        self._held = {key: record for key, record in self._held.items() if key[:2] not in gone}
        for number, record in enumerate(records):
            type, id, part = compare.key_of(record.get("source") or {})
            self._held[type, id or f"{len(self._calls)} {number}", part] = record
        return list(self._held.values())

    def _person(self, record: Mapping[str, Any]) -> tuple[str, str]:
        """Whom a record that was put out is about, and when that person was born; empty when it is nobody here."""
        id = str((record.get("source") or {}).get("id") or (record.get("patient") or {}).get("id") or "")
        number = self._site.vendor.patient_of(self._site, id) if id else None
        person = None if number is None else self._sandbox.world.person(number)
        return ("", "") if person is None else (str(self._sandbox.world.human(person.number)), person.birth)

    def _changed(self, before: int, members: Mapping[str, Any], subject: int | None) -> tuple[str, ...]:
        """What of an intent is kept otherwise, of the first record that came of it."""
        answers = (x.reply for x in self._sandbox.journal.entries if x.reply is not None)
        made = [pair for reply in answers if reply.status == 201 for pair in reply.served]
        if subject is None or self._sandbox.world.writes == before or not made:
            return ()
        return changed(self._site, subject, *made[-1], members["args"]["intent"]["body"])


def checked(message: Message) -> Message:
    wrong = request_flaw(message)
    if wrong:
        raise HarnessDefect(f"our own `{message['op']}` is not emr-driver/1: {wrong}")
    return message


def _nobodys(id: str, number_of: Callable[[str], int | None]) -> str:
    """An id of the same form that no patient has."""
    for place in range(len(id) - 2, 0, -1):
        for letter in "97531xqk":
            changed = f"{id[:place]}{letter}{id[place + 1 :]}"
            if id[place].isdigit() == letter.isdigit() and changed != id and number_of(changed) is None:
                return changed
    raise HarnessDefect(f"every id near {id} is a patient's")
