"""The last touch on every answer: the daily quota, and which pages of a browser may read it.

Source: SOURCES.md, "Claims" (fasten-onprem issue 396: the token endpoint sends no CORS headers in production).
"""

from __future__ import annotations

from simulator.auth import cors
from simulator.exchange import Exchange, Reply
from simulator.vendors.athena import limits

_OPEN = ("/fhir/r4/metadata", "/fhir/r4/.well-known/smart-configuration", "/fhir/smart-style.json", "/oauth2/v1/keys")


def finish(answer: Reply, x: Exchange) -> Reply:
    """The answer with what the gateway adds."""
    answer = limits.tell(answer, x)
    if x.header("origin") is None or not answer.simulated or not _is_read_by_browsers(x):
        return answer
    added = cors.headers_for(x, anybody=x.path in _OPEN or x.path.startswith("/idp/"))
    return Reply(answer.status, answer.body, [*answer.headers, *added], answer.simulated, answer.served)


def _is_read_by_browsers(x: Exchange) -> bool:
    if x.path.startswith("/oauth2/") and x.path not in _OPEN:
        return bool(x.site.settings["token_cors"]) and x.path != "/oauth2/v1/authorize"
    return not x.path.startswith("/v1/")
