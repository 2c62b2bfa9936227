"""The protocol emr-driver/1 as the reference speaks it: dicts in, dicts out, and the same as lines over stdio."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import threading

import httpx
import pytest

from conformance.reference import driver
from conformance.reference.failure import ERROR_CLASSES
from conformance.reference.session import Session

URLS = {"base_url": "https://emr.test", "fhir_url": "https://emr.test/R4", "token_url": "https://emr.test/token"}
BASIC = {"auth": "client_secret_basic", "client_id": "me", "client_secret": "s3cret"}
HELLO = {"id": 1, "op": "hello", "protocol": 1, "nonce": "7f3a"}


def test_hello_tells_what_it_is_and_echoes_the_nonce():
    answer = driver.handle(HELLO)
    assert (answer["id"], answer["protocol"], answer["nonce"]) == (1, 1, "7f3a")
    assert answer["vendors"] == ["epic", "cerner", "athena"]
    assert answer["implementation"]["language"] == "python"


@pytest.mark.parametrize(
    "message",
    [
        {"op": "q7x_unknown"},
        {"op": "state", "query": {"kind": "patient"}},
        {"op": "run", "case": "never configured", "action": "read", "args": {"kinds": ["patient"]}},
    ],
)
def test_what_it_does_not_know_is_unsupported(message):
    assert driver.handle({"id": 5, **message}) == {"id": 5, "status": "unsupported"}


def test_an_unknown_action_or_kind_is_unsupported(net, reading):
    wire = net(lambda request: httpx.Response(500))
    answers = wire.run({"action": "q7x_unknown", "args": {}}, reading("portrait"))
    assert [answer["status"] for answer in answers] == ["unsupported", "unsupported"]
    assert wire.sent == []


@pytest.mark.parametrize(
    "wrong", [{"vendor": "epik"}, {"settings": {"mutant": "no_such_bug"}}, {"auth": {}}, {"urls": {}}], ids=str
)
def test_a_wrong_configuration_is_an_error_of_class_config(wrong):
    good = {"vendor": "epic", "auth": {"client_id": "me"}, "urls": {"base_url": "x", "fhir_url": "x"}}
    answer = driver.handle({"id": 1, "op": "configure", "case": "c", **good, **wrong})
    assert (answer["status"], answer["errors"][0]["class"]) == ("error", "config")


def test_a_client_without_key_and_secret_is_an_error_of_class_config(net, reading):
    wire = net(lambda request: httpx.Response(500))
    (answer,) = wire.run(reading("immunization"), auth={"client_id": "me"})
    assert (answer["errors"][0]["class"], wire.sent) == ("config", [])


def test_cases_are_served_from_many_threads_at_once(net, reading):
    """Each thread has a case of its own; nothing is mixed up and nothing blocks."""
    held = {}

    def talk(case):
        unreachable = {
            "base_url": "http://127.0.0.1:1",
            "fhir_url": "http://127.0.0.1:1",
            "token_url": "http://127.0.0.1:1",
        }
        auth = {"client_id": case, "client_secret": "s"}
        driver.handle({"op": "configure", "case": case, "vendor": "epic", "urls": unreachable, "auth": auth})
        run = reading("immunization", deadline_ms=200)
        held[case] = driver.handle({"id": case, "op": "run", "case": case, **run})
        driver.handle({"op": "reset", "case": case})

    threads = [threading.Thread(target=talk, args=(f"c{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {case: answer["id"] for case, answer in held.items()} == {f"c{n}": f"c{n}" for n in range(4)}
    assert {answer["errors"][0]["class"] for answer in held.values()} == {"unavailable"}


def test_a_case_that_was_reset_is_forgotten(net, reading, bundle):
    wire = net(lambda request: bundle("i1"))
    wire.run(reading("immunization"))
    assert driver.handle({"id": 1, "op": "run", "case": "c", **reading("immunization")})["status"] == "unsupported"


def test_a_defect_is_told_without_what_it_was_about(net, reading, caplog):
    def broken(request):
        raise RuntimeError("Lopez, Camila")

    caplog.set_level(logging.DEBUG)
    (answer,) = net(broken).run(reading("immunization"))
    assert answer["errors"][0]["class"] == "internal"
    assert "Lopez" not in caplog.text + str(answer)


def test_the_log_says_what_happened_and_nothing_of_whom(net, reading, bundle, caplog):
    caplog.set_level(logging.DEBUG)
    wire = net(lambda request: httpx.Response(503) if len(wire.calls) == 1 else bundle("i1"))
    (answer,) = wire.run({"action": "search", "args": {"kind": "patient", "params": {"family": "Lopez"}}})
    assert answer["status"] == "ok"
    written = [json.loads(record.message) for record in caplog.records if record.name == "conformance.reference"]
    assert {"event": "retry", "operation": "Patient.search", "attempt": 1}.items() <= written[1].items()
    assert not any(secret in caplog.text for secret in ("Lopez", "s3cret", "t1", "P1"))


def test_every_reported_class_is_one_of_the_protocol(net, reading):
    for status in range(400, 600):
        (answer,) = net(lambda request, status=status: httpx.Response(status)).run(reading("immunization"))
        (error,) = answer["errors"]
        assert error["class"] in ERROR_CLASSES
        assert error["http_status"] == status


class Stdio:
    """The reference as a process."""

    def __init__(self):
        environment = {**os.environ, "EMR_MUTANT": ""}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "conformance.reference"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def ask(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def test_over_stdio_it_answers_line_by_line_and_leaves_on_bye():
    stdio = Stdio()
    assert stdio.ask(HELLO)["nonce"] == "7f3a"
    assert stdio.ask({"id": 2, "op": "q7x"}) == {"id": 2, "status": "unsupported"}
    out, _ = stdio.process.communicate(json.dumps({"id": 3, "op": "bye"}) + "\n", timeout=10)
    assert (out, stdio.process.returncode) == ("", 0)


def test_over_stdio_it_leaves_quietly_when_it_is_told_to_stop():
    stdio = Stdio()
    stdio.ask(HELLO)
    stdio.process.send_signal(signal.SIGTERM)
    _, errors = stdio.process.communicate(timeout=10)
    assert (stdio.process.returncode, errors) == (0, "")


def test_where_nothing_may_be_written_nothing_is_sent(net):
    wire = net(lambda request: httpx.Response(201, headers={"Location": "x/Condition/1"}))
    intent = {"kind": "condition", "patient": {"id": "P1"}, "business_key": "b", "body": {"text": "x", "codes": []}}
    asked = {"action": "write", "args": {"intent": intent}}
    (answer,) = wire.run(asked, mode="read-only")
    assert (answer["status"], [error["class"] for error in answer["errors"]]) == ("error", ["config"])
    assert wire.sent == []


def test_what_is_still_at_work_ends_with_its_case(reading):
    async def talk():
        began, ended = asyncio.Event(), []

        async def hang(seconds):
            began.set()
            try:
                await asyncio.sleep(60)
            finally:
                ended.append(True)

        it = driver.Driver(
            lambda config, behaviour: Session(
                config, behaviour, transport=httpx.MockTransport(lambda request: httpx.Response(503)), sleep=hang
            )
        )
        configure = {"op": "configure", "case": "c", "vendor": "epic", "urls": URLS, "auth": BASIC}
        assert (await it.answer(configure))["status"] == "ok"
        late = asyncio.create_task(it.answer({"op": "run", "case": "c", **reading("immunization")}))
        await began.wait()
        assert (await it.answer({"op": "reset"}))["status"] == "ok"
        await asyncio.gather(late, return_exceptions=True)
        return ended, late.cancelled()

    assert asyncio.run(talk()) == ([True], True)
