"""What a load run aims at: a sandbox of its own on a running server, and the plan that the load users read."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import httpx

from simulator.refusal import UsageError

# What a chart search must say beside the patient, where a vendor insists on it: in general, and by type.
QUERIES = {"athena": "&ah-practice=Organization/a-1.Practice-195900"}
QUERIES_BY_TYPE = {"athena": {"MedicationRequest": "&intent=order"}}


@contextmanager
def own_server(seed: int, patients: int) -> Iterator[str]:
    """The URL of a server started for this run in a process of its own, stopped at the end.

    Raises:
        UsageError: it did not come up.
    """
    command = [sys.executable, "-m", "simulator", "serve", "--port", "0", "--json"]
    command += ["--seed", str(seed), "--patients", str(patients)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise UsageError("the sandbox server did not start", "run `emr-sandbox serve` to see why")
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield str(json.loads(line)["url"])
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


class Target:
    """One sandbox on the server at `url`, made for this run and dropped with `close`."""

    def __init__(self, url: str, *, seed: int, patients: int, vendors: tuple[str, ...] = ()) -> None:
        """Make the sandbox.

        Raises:
            UsageError: nobody answers at `url`, or it is not a sandbox server.
        """
        self.url = url.rstrip("/")
        self.control = f"{self.url}/_sandbox"
        self.seed = seed
        self._http = httpx.Client(timeout=30)
        wish: dict[str, Any] = {"seed": seed, "patients": patients}
        if vendors:
            wish["vendors"] = list(vendors)
        self.sandbox = self._ask("POST", "/sandboxes", json=wish)
        self.path = f"/sandboxes/{self.sandbox['id']}"

    def _ask(self, method: str, path: str, **what: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, self.control + path, **what)
        except httpx.HTTPError as error:
            raise UsageError(f"nobody answers at {self.url}: {error}", "start one with `emr-sandbox serve`") from None
        try:
            body = answer.json() if answer.content else {}
        except ValueError:
            body = {}
        if answer.is_error or not isinstance(body, dict):
            why = body.get("detail", "") if isinstance(body, dict) else ""
            raise UsageError(f"{self.control}{path} answered {answer.status_code}: {why or 'not a sandbox server'}")
        return cast("dict[str, Any]", body)

    def limits_off(self) -> None:
        """Switch every quota of the sandbox off, so that the load meets the server and not a limit."""
        for vendor in self.sandbox["vendors"]:
            self._ask("PUT", f"{self.path}/limits", json={"vendor": vendor, "off": True})

    def plan(self, *, charts: int, think_s: float) -> dict[str, Any]:
        """Everything the load users need: per vendor the FHIR URL, one client and `charts` patient ids."""
        clients = self._ask("GET", f"{self.path}/clients")
        people = self._ask("GET", f"{self.path}/truth/patients", params={"limit": charts})["patients"]
        vendors = {}
        for vendor, urls in self.sandbox["vendors"].items():
            ways = [c for c in clients[vendor] if c["auth"] in ("private_key_jwt", "client_secret_basic")]
            vendors[vendor] = {
                "fhir_url": urls["fhir_url"],
                "client": ways[0],
                "patients": [person["ids"][vendor]["fhir_id"] for person in people],
                "query": QUERIES.get(vendor, ""),
                "query_by_type": QUERIES_BY_TYPE.get(vendor, {}),
            }
        return {"url": self.url, "seed": self.seed, "think_s": think_s, "vendors": vendors}

    def write_plan(self, path: Path, *, charts: int, think_s: float) -> None:
        """Write `plan` as JSON."""
        path.write_text(json.dumps(self.plan(charts=charts, think_s=think_s)), encoding="utf-8")

    def close(self) -> None:
        """Drop the sandbox; a server that has gone away is no matter."""
        with suppress(httpx.HTTPError):
            self._http.delete(f"{self.control}{self.path}")
        self._http.close()
