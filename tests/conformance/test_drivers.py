"""The ways to an integration: what happens when it answers, dies, hangs or talks nonsense (emr-driver/1)."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from datetime import timedelta

import httpx
import pytest

from conformance.drivers import DriverFailed
from conformance.drivers.http import HttpDriver
from conformance.drivers.python import PythonDriver, callable_of
from conformance.drivers.stdio import StdioDriver
from conformance.protocol import answer_flaw, request_flaw
from simulator.refusal import UsageError

SOON = timedelta(seconds=10)
HELLO = {"id": 1, "op": "hello", "protocol": 1, "nonce": "a"}
ECHO = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message["op"] == "bye":
        break
    if message["op"] == "die":
        print("out of memory", file=sys.stderr)
        sys.exit(7)
    if message["op"] == "chat":
        print("hello, world", flush=True)
        continue
    if message["op"] == "hang":
        continue
    print("asked for " + message["op"], file=sys.stderr, flush=True)
    print(json.dumps({"id": message["id"], "status": "ok"}), flush=True)
"""


@pytest.fixture
def process():
    driver = StdioDriver([sys.executable, "-c", ECHO])
    yield driver
    driver.close()


def drained(driver, lines):
    """The first log lines of a process: its stderr comes on another way than its answers, and may be a moment late."""
    found: list[str] = []
    until = time.monotonic() + 5
    while len(found) < lines and time.monotonic() < until:
        found += driver.drain()
        time.sleep(0.002)
    return found


def test_a_process_answers_line_by_line_and_its_stderr_is_the_log(process):
    assert process.send({"id": 1, "op": "a"}, SOON) == {"id": 1, "status": "ok"}
    assert process.send({"id": 2, "op": "b"}, SOON) == {"id": 2, "status": "ok"}
    assert drained(process, 2) == ["asked for a", "asked for b"]
    assert process.drain() == []


def test_a_process_that_dies_says_how_and_is_started_again(process):
    with pytest.raises(DriverFailed) as caught:
        process.send({"id": 1, "op": "die"}, SOON)
    assert caught.value.kind == "crash"
    assert "exit code 7 at `die`; stderr: out of memory" in caught.value.says
    assert process.send({"id": 2, "op": "a"}, SOON)["status"] == "ok"


def test_a_process_that_hangs_is_ended_at_the_deadline(process):
    with pytest.raises(DriverFailed) as caught:
        process.send({"id": 1, "op": "hang"}, timedelta(milliseconds=200))
    assert (caught.value.kind, caught.value.says) == ("deadline", "no answer to `hang` within 0.2 s")
    assert process.send({"id": 2, "op": "a"}, SOON)["status"] == "ok"


def test_chatter_on_stdout_is_named_as_such(process):
    with pytest.raises(DriverFailed) as caught:
        process.send({"id": 1, "op": "chat"}, SOON)
    assert caught.value.kind == "protocol"
    assert "'hello, world'; logs belong on stderr" in caught.value.says


def test_a_command_that_is_not_there_is_a_usage_error():
    driver = StdioDriver(["./no-such-driver"])
    with pytest.raises(UsageError, match="cannot start the driver"):
        driver.send({"id": 1, "op": "hello"}, SOON)


def test_a_callable_answers_and_only_its_own_log_lines_are_kept():
    other = PythonDriver(lambda message: {"id": message["id"], "status": "ok"})

    def handle(message):
        logging.getLogger("acme").warning("asked for %s", message["op"])
        return {"id": message["id"], "status": "ok"}

    driver = PythonDriver(handle)
    try:
        assert driver.send({"id": 1, "op": "a"}, SOON) == {"id": 1, "status": "ok"}
        logging.getLogger("uvicorn.error").warning("ours")
        assert driver.drain() == ["WARNING acme asked for a"]
        assert other.drain() == []
    finally:
        driver.close()
        other.close()


def test_a_callable_that_raises_is_a_crash_with_the_place():
    def handle(message):
        raise KeyError("total")

    driver = PythonDriver(handle)
    try:
        with pytest.raises(DriverFailed) as caught:
            driver.send({"id": 1, "op": "run"}, SOON)
    finally:
        driver.close()
    assert caught.value.kind == "crash"
    assert "`run` raised KeyError: 'total'" in caught.value.says


def test_a_callable_that_hangs_meets_its_deadline():
    release = threading.Event()

    def handle(message):
        release.wait(5)
        return {"id": message["id"]}

    driver = PythonDriver(handle)
    try:
        with pytest.raises(DriverFailed) as caught:
            driver.send({"id": 1, "op": "run"}, timedelta(milliseconds=30))
    finally:
        release.set()
        driver.close()
    assert caught.value.kind == "deadline"


@pytest.mark.parametrize("answer", [None, [], "ok", {"id": 2}, {}])
def test_an_answer_that_is_none_is_a_protocol_error(answer):
    driver = PythonDriver(lambda message: answer)
    try:
        with pytest.raises(DriverFailed) as caught:
            driver.send({"id": 1, "op": "run"}, SOON)
    finally:
        driver.close()
    assert caught.value.kind == "protocol"


@pytest.mark.parametrize("spec", ["acme", "no.such.module:handle", "json:no_such_name", "sys:version"])
def test_a_callable_that_cannot_be_loaded_is_a_usage_error(spec):
    with pytest.raises(UsageError) as caught:
        callable_of(spec)
    assert spec in caught.value.message


def service(answer):
    return HttpDriver("http://driver.test/emr-driver/1/", httpx.Client(transport=httpx.MockTransport(answer)))


def test_a_service_is_posted_the_message_under_its_op():
    seen = []

    def answer(request):
        seen.append((request.url.path, json.loads(request.content)))
        return httpx.Response(200, json={"id": 1, "status": "ok"})

    assert service(answer).send({"id": 1, "op": "run"}, SOON) == {"id": 1, "status": "ok"}
    assert seen == [("/emr-driver/1/run", {"id": 1, "op": "run"})]


def _times_out(request):
    raise httpx.ReadTimeout("late", request=request)


def _refuses(request):
    raise httpx.ConnectError("nobody there", request=request)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (_times_out, "deadline"),
        (_refuses, "crash"),
        (lambda request: httpx.Response(500), "protocol"),
        (lambda request: httpx.Response(200, text="hi"), "protocol"),
        (lambda request: httpx.Response(200, json={"id": 9}), "protocol"),
    ],
)
def test_a_service_that_fails_is_told_apart(answer, kind):
    with pytest.raises(DriverFailed) as caught:
        service(answer).send({"id": 1, "op": "run"}, SOON)
    assert caught.value.kind == kind


def test_our_messages_and_their_answers_have_schemas():
    assert request_flaw(HELLO) == ""
    assert "'nonce' is a required property" in request_flaw({"id": 1, "op": "hello", "protocol": 1})
    assert answer_flaw("run", {"id": 1, "status": "ok", "records": []}) == ""
    assert "status" in answer_flaw("run", {"id": 1, "status": "fine"})
    assert "errors[0]" in answer_flaw(
        "run", {"id": 1, "status": "error", "errors": [{"class": "oops", "retryable": True}]}
    )


def test_a_number_that_is_no_text_is_named_with_its_place():
    record = {
        "kind": "observation",
        "source": {"vendor": "epic", "type": "Observation", "id": "o1"},
        "patient": {"vendor": "epic", "id": "p1"},
        "value": {"number": 7.1},
    }
    assert answer_flaw("run", {"id": 1, "status": "ok", "records": [record]}).startswith(
        "records[0].value.number: 7.1 is not"
    )


def test_a_callable_in_a_process_of_its_own_has_another_time_zone_and_keeps_stdout_clean(tmp_path):
    (tmp_path / "acme_abroad.py").write_text(
        "import time\n\n\ndef handle(message):\n    print('hello')\n"
        "    return {'id': message['id'], 'status': 'ok', 'zone': time.strftime('%z', time.localtime(0))}\n"
    )
    command = [sys.executable, "-m", "conformance.drivers.loop", "acme_abroad:handle"]
    path = os.pathsep.join((str(tmp_path), *filter(None, sys.path)))
    driver = StdioDriver(command, environment={"PYTHONPATH": path, "TZ": "Pacific/Kiritimati"})
    try:
        answer = driver.send({"id": 1, "op": "reset"}, timedelta(seconds=30))
        assert answer["zone"] == "-1040"  # of 1970; the islands changed sides of the date line later
        assert drained(driver, 1) == ["hello"]
    finally:
        driver.close()
