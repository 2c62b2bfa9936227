"""What of an athenahealth site can be switched: settings of `defaults` in which recordings or days differ."""

from __future__ import annotations

from simulator.source import Source
from simulator.switch import Switch

_RECORDINGS = "HTD-Health/athena_health recordings of 2021"
SWITCHES: tuple[Switch, ...] = (
    Switch("max_page", "the largest page", Source("ours", "guess"), least=1),
    Switch("type_profile", "whether ids and numbers are strings, numbers, or some of both",
           Source(_RECORDINGS, "seen"), ("mixed", "legacy", "modern"), traps=("A02",)),
    Switch("token_reply", "whether the token reply is as recorded or as RFC 6749 says",
           Source(_RECORDINGS, "seen"), ("recorded", "standard"), traps=("A15",)),
    Switch("token_cors", "whether browsers may read the token endpoint",
           Source("fastenhealth/fasten-onprem issue 396", "seen")),
    Switch("rotate_refresh", "whether refresh tokens of confidential apps rotate too",
           Source("habit of the identity provider", "guess")),
    Switch("propagation_s", "seconds until a new registration is usable", Source("ours", "guess")),
)  # fmt: skip
