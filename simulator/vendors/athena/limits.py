"""What a key may use: calls a second and a day, and tokens a minute; and the two headers that tell the rest of it."""

from __future__ import annotations

from datetime import timedelta

from simulator.exchange import Exchange, Reply
from simulator.limits import Limit
from simulator.source import Source

LIMITS: tuple[Limit, ...] = (
    Limit(
        "second",
        150,
        timedelta(seconds=1),
        "client",
        Source("public clients throttle themselves at 100 or 150 a second; no value is public", "guess"),
    ),
    Limit(
        "day",
        50_000,
        timedelta(days=1),
        "client",
        Source("X-RateLimit-Limit: 50000 on REST answers of a preview app, 2023; anew at midnight GMT", "seen"),
    ),
    Limit(
        "token",
        50,
        timedelta(minutes=1),
        "client",
        Source("docs.athenahealth.com/api/guides/authentication-and-url-locations: 50, in preview 5", "doc"),
        counts="room",
    ),
)  # fmt: skip
"""Quotas of each key. Over those of calls: 403 with a Mashery header; over that of tokens: 429 for the minute."""


def tell(answer: Reply, x: Exchange) -> Reply:
    """Adds the daily quota to answers of the REST API; the token door tells its own of the minute."""
    if x.caller is None or not answer.simulated or not x.path.startswith("/v1/"):
        return answer
    for standing in x.site.limits.standing(x):
        if standing.limit.name == "day":
            told = [
                *answer.headers,
                (b"x-ratelimit-limit", b"%d" % standing.limit.calls),
                (b"x-ratelimit-remaining", b"%d" % standing.remaining),
            ]
            return Reply(answer.status, answer.body, told, answer.simulated, answer.served)
    return answer
