"""The way out: one HTTP session with a vendor. Login, retries, deadlines and the reading of bodies live here only."""

from __future__ import annotations

import asyncio
import json
import random
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import httpx

from conformance.reference import __version__, log
from conformance.reference.auth import Token, has_token, token_of, token_request
from conformance.reference.behaviour import Behaviour, Json
from conformance.reference.failure import Failure
from conformance.reference.statuses import refusal_of
from conformance.reference.trust import is_final, showing

AGENT = f"emr-reference/{__version__}"
MAX_CONCURRENCY = 4
LOGIN_PAUSE_S = 60.0
QUOTA_PAUSE_S = 600.0
_KEPT_TOKENS: dict[str, Token] = {}  # across cases: only a mutant has a key for it


@dataclass(frozen=True)
class Config:
    """One vendor as it was configured: where it is, who we are there, what is published about it."""

    vendor: str
    urls: Json
    auth: Json
    settings: Json = field(default_factory=dict)
    ca_file: str | None = None
    may_write: bool = True

    def __post_init__(self) -> None:
        if not self.urls.get("base_url") or not self.auth.get("client_id"):
            raise Failure("config", "base_url and auth.client_id are needed")

    @property
    def token_url(self) -> str:
        return str(self.auth.get("token_url") or self.urls["token_url"])

    @property
    def origins(self) -> set[str]:
        """Where the access token may go."""
        return {origin(url) for name, url in self.urls.items() if name != "token_url"}


@dataclass(frozen=True)
class Call:
    """One GET: `url` goes out byte for byte, `operation` is what may be written down, `type` what a 403 is about."""

    operation: str
    url: str
    type: str
    accept: str = "application/json"


class Session:
    """One vendor, one client: its token, its pace, its connections.

    Args:
        transport: the network, if not the real one.
        sleep, clock: wait some seconds; seconds that only grow, which deadlines are told in.
    """

    def __init__(
        self,
        config: Config,
        behaviour: Behaviour,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config = config
        self.behaviour = behaviour
        self.clock = clock
        self._sleep = sleep
        self._seed = config.settings.get("seed", 0)
        self._http = httpx.AsyncClient(
            transport=transport,
            verify=_context(config, behaviour),
            timeout=httpx.Timeout(None, read=behaviour.read_timeout_s),  # a whole call is bounded by asyncio.timeout
            trust_env=False,
            headers={"User-Agent": AGENT},
        )
        self._slots = asyncio.Semaphore(config.settings.get("max_concurrency", MAX_CONCURRENCY))
        self._login = asyncio.Lock()
        self._token: Token | None = None
        self._refresh: str | None = None
        self.patient: str | None = None  # the FHIR id of whose chart is open, where somebody logged in from one
        self._refused: tuple[float, Failure] | None = None
        self._forbidden: dict[str, Failure] = {}
        self._quiet_until = 0.0
        self._spent: tuple[float, Failure] | None = None

    async def close(self) -> None:
        await self._http.aclose()

    async def begin(self, deadline: float) -> None:
        """A run begins."""
        if self.behaviour.pause_s:
            await self._sleep(self.behaviour.pause_s)
        if self.behaviour.renews_at_start:
            await self._token_for(deadline, at_start=True)
        if self.behaviour.needs_metadata or self.behaviour.statement is not None:
            await self._look_at_statement(deadline)

    async def _look_at_statement(self, deadline: float) -> None:
        url = str(self.config.urls["fhir_url"]).rstrip("/") + "/metadata"
        try:
            told = await self.get(Call("metadata", url, "CapabilityStatement"), lambda body: None, deadline)
        except Failure:
            if self.behaviour.needs_metadata:
                raise
            return
        if self.behaviour.statement is not None and not self.behaviour.statement(told):
            raise Failure("config", "the CapabilityStatement does not say how to log in", reason="statement")

    async def get(self, call: Call, check: Callable[[Any], None], deadline: float) -> Any:
        """The parsed body that passed `check`, within the retry budget and before `deadline`.

        Raises:
            Failure: what went wrong in the end.
        """
        if call.type in self._forbidden:
            raise self._forbidden[call.type]
        if self._spent and self.clock() < self._spent[0]:
            raise self._spent[1]
        replays = self.behaviour.replays
        for attempt in count(1):
            token = await self._token_for(deadline)
            try:
                return await self._fetch(call, token, check, deadline)
            except Failure as failure:
                if failure.error_class == "auth" and replays > 0:
                    replays -= 1
                    self._discard(token)
                    if not self.behaviour.shares_login:
                        self._token = await self._new_token(deadline)
                    continue
                if failure.error_class == "auth":
                    self._refuse(failure)
                if self.behaviour.stops(failure):
                    self._spent = (self.clock() + QUOTA_PAUSE_S, failure)
                if not await self._may_try_again(failure, attempt, call, deadline):
                    raise
        raise AssertionError("count() does not end")

    async def _fetch(self, call: Call, token: Token | None, check: Callable[[Any], None], deadline: float) -> Any:
        url = self.behaviour.data_url(call.url, token.text if token else "")
        is_home = origin(url) in self.config.origins
        if not is_home and self.behaviour.stays_home:
            raise Failure("invalid_response", "a link leads to another host", reason="foreign_origin")
        headers = {"Accept": self.behaviour.accept(call.accept)}
        if not self.behaviour.shows_token(is_home):
            pass
        elif token:
            headers["Authorization"] = f"Bearer {token.text}"
        else:
            headers[self.config.auth["header"]] = self.config.auth["api_key"]
        try:
            request = self._http.build_request("GET", url, headers=headers, extensions=_target(url))
            return await self._body(request, call.operation, check, deadline)
        except Failure as failure:
            if failure.reason == "insufficient_scope" and self.behaviour.remembers:
                self._forbidden[call.type] = failure
            raise

    async def post(self, call: Call, resource: Json, deadline: float) -> tuple[Mapping[str, str], bytes]:
        """Sends a resource to be created; gives headers and body of the 2xx.

        What certainly was not done is sent again: a dead token, a throttle, an outage that says so. Everything else is
        the caller's to look into: whether the record is there, nobody but the vendor knows.

        Raises:
            Failure: what went wrong in the end.
        """
        replays = self.behaviour.replays
        for attempt in count(1):
            token = await self._token_for(deadline)
            headers = {"Content-Type": call.accept, "Accept": call.accept}
            headers["Authorization"] = f"Bearer {token.text}" if token else ""
            request = self._http.build_request("POST", call.url, headers=headers, content=json.dumps(resource).encode())
            try:
                response, content = await self._exchange(request, deadline)
                if response.is_success:
                    return response.headers, content
                raise refusal_of(response, content)
            except Failure as failure:
                log.event("failed", operation=call.operation, reason=failure.reason, status=failure.status)
                if failure.error_class == "auth" and replays > 0:
                    replays -= 1
                    self._discard(token)
                elif not self.behaviour.sends_again(failure) or attempt >= self.behaviour.attempts:
                    raise
                else:
                    await self.pause(self.behaviour.wait(failure, attempt, 0.5), deadline)
        raise AssertionError("count() does not end")

    async def pause(self, seconds: float, deadline: float) -> None:
        """Waits, but never beyond the deadline."""
        await self._sleep(max(0.0, min(seconds, deadline - self.clock())))

    # Login

    async def _token_for(self, deadline: float, *, at_start: bool = False) -> Token | None:
        """The token in hand, or a new one; many callers cause one login. None: the client has an API key."""
        if self.config.auth.get("auth") == "api_key":
            return None
        async with self._login:
            now = self.clock()
            if self._refused and now < self._refused[0]:
                raise self._refused[1]
            key = self.behaviour.token_key(self.config.auth)
            self._token = _KEPT_TOKENS.get(key, self._token)
            looks = at_start or not self.behaviour.renews_at_start
            if self._token is None or (looks and self.behaviour.renews(now, self._token.good_until)):
                self._token = await self._new_token(deadline)
                if key:
                    _KEPT_TOKENS[key] = self._token
            return self._token

    async def log_in(self, grant: Json, deadline: float) -> None:
        """Works for the person who gave `grant` from now on.

        Raises:
            Failure: the grant was refused; who was logged in before still is.
        """
        async with self._login:
            self._token = await self._ask_for_token(grant, deadline)
            self._refused = None

    async def _new_token(self, deadline: float) -> Token:
        if not self.config.auth.get("redirect_uris"):
            return await self._ask_for_token(None, deadline)
        if self._refresh is None:
            raise Failure("auth", "nobody is logged in", reason="nobody")
        return await self._ask_for_token({"grant_type": "refresh_token", "refresh_token": self._refresh}, deadline)

    async def _ask_for_token(self, grant: Json | None, deadline: float) -> Token:
        call = Call("token", self.config.token_url, "token")
        ready = token_request(self.config.auth, self.config.urls, self.behaviour, grant)
        for attempt in count(1):
            if attempt > 1 and self.behaviour.fresh_assertion:
                ready = token_request(self.config.auth, self.config.urls, self.behaviour, grant)
            asked = self.clock()
            request = self._http.build_request("POST", ready["url"], data=ready["form"], headers=ready["headers"])
            try:
                body = await self._body(request, call.operation, has_token, deadline)
                if not self.behaviour.takes(ready["form"].get("scope", ""), body.get("scope", "")):
                    raise Failure("auth", "another grant than was asked for", reason="grant")
                if grant is not None:
                    self._refresh = self.behaviour.refresh(self._refresh, body.get("refresh_token"))
                    self.patient = self.behaviour.context(self.patient, body.get("patient"))
                return token_of(body, asked)
            except Failure as failure:
                if failure.error_class in ("rejected", "forbidden"):
                    failure.error_class = "auth"
                if grant is not None and failure.transient and not self.behaviour.sends_again(failure):
                    raise  # it may have been used up: to present it again would end the grant
                if not await self._may_try_again(failure, attempt, call, deadline):
                    if failure.error_class == "auth":
                        self._refuse(failure)
                    raise
        raise AssertionError("count() does not end")

    def _discard(self, token: Token | None) -> None:
        if self._token is token and not self.behaviour.keeps_refused:
            self._token = None
            _KEPT_TOKENS.pop(self.behaviour.token_key(self.config.auth), None)

    def _refuse(self, failure: Failure) -> None:
        """Stops the login traffic: a rejected client does not become good by asking again, and accounts get locked."""
        self._refused = (self.clock() + LOGIN_PAUSE_S, failure)

    # Retries

    async def _may_try_again(self, failure: Failure, attempt: int, call: Call, deadline: float) -> bool:
        """Whether there is another attempt; when it returns, the time for it has come."""
        attempts = 2 if failure.error_class == "invalid_response" else self.behaviour.attempts
        draw = random.Random(f"{self._seed}:{call.url}:{attempt}").random()
        wait_s = self.behaviour.wait(failure, attempt, draw)
        if attempt >= attempts or not self.behaviour.retries(failure) or self.clock() + wait_s >= deadline:
            return False
        log.event("retry", operation=call.operation, attempt=attempt, reason=failure.reason, wait_ms=int(wait_s * 1000))
        if failure.retry_after_s is not None:
            self._quiet_until = max(self._quiet_until, self.clock() + wait_s)
        await self._sleep(wait_s)
        return True

    # One exchange

    async def _body(self, request: httpx.Request, operation: str, check: Callable[[Any], None], deadline: float) -> Any:
        """Sends once; the parsed JSON of a 2xx, when it passes `check`."""
        content, failure = b"", None
        try:
            response, content = await self._exchange(request, deadline)
            if response.has_redirect_location and self.behaviour.follows:
                taken = {name: value for name, value in request.headers.items() if name != "host"}
                moved = self._http.build_request(request.method, response.headers["Location"], headers=taken)
                response, content = await self._exchange(moved, deadline)
            if not response.is_success:
                raise self.behaviour.refusal(refusal_of(response, content), content)
            if not self.behaviour.reads(response.headers.raw):
                raise Failure("invalid_response", "an answer of another type", reason="media_type")
            body = self._parsed(content)
            check(body)
            return body
        except Failure as told:
            failure = told
            facts = {"status": failure.status, "error_class": failure.error_class, "request_id": failure.request_id}
            log.event("failed", operation=operation, reason=failure.reason, **facts)
            raise
        finally:
            log.leak(self.behaviour.leaks(str(request.url), request.headers, content, failure))

    async def _exchange(self, request: httpx.Request, deadline: float) -> tuple[httpx.Response, bytes]:
        async with self._slots:
            if (quiet_s := self._quiet_until - self.clock()) > 0:
                await self._sleep(quiet_s)
            try:
                async with asyncio.timeout(self.behaviour.patience(deadline - self.clock())):
                    response = await self._http.send(request, stream=True)
                    try:
                        content = await response.aread()
                    except httpx.TimeoutException:
                        raise
                    except (httpx.TransportError, httpx.DecodingError) as error:
                        raise _invalid("the body ends early", "truncated") from error
                    finally:
                        await response.aclose()
            except (TimeoutError, httpx.TimeoutException) as error:
                raise Failure("timeout", "no complete answer in time", reason="deadline") from error
            except httpx.TransportError as error:
                if is_final(error):
                    raise Failure("unavailable", "no secure connection", reason="tls") from error
                raise Failure("unavailable", "the connection failed", reason="reset", transient=True) from error
        told = "" if "Content-Encoding" in response.headers else response.headers.get("Content-Length", "")
        if told.isdigit() and int(told) != len(content):
            raise _invalid("the body is shorter than announced", "truncated")
        return response, content

    def _parsed(self, content: bytes) -> Any:
        try:
            return json.loads(content.decode("utf-8-sig"), parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            if not self.behaviour.parse_error:
                raise
            raise _invalid("the body is not JSON", "not_json") from error


def _context(config: Config, behaviour: Behaviour) -> ssl.SSLContext:
    if not config.auth.get("certificate_pem") or not behaviour.shows_certificate:
        return behaviour.trusts(config.ca_file)
    try:
        return showing(config.ca_file, config.auth["certificate_pem"], config.auth["private_key_pem"])
    except ssl.SSLError as error:
        raise Failure("config", "the client certificate cannot be used", reason="certificate") from error


def _target(url: str) -> dict[str, bytes]:
    """The request target as it is written in `url`, for httpx would escape some characters of it anew."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return {"target": target.encode()} if re.fullmatch(r"/[!-~]*", target) else {}


def origin(url: str) -> str:
    """Scheme, host and port: where credentials belong."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _invalid(message: str, reason: str) -> Failure:
    return Failure("invalid_response", message, reason=reason, transient=True)
