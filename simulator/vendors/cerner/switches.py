"""What of a Cerner site can be switched: settings of `DEFAULTS` in which sites or days differ."""

from __future__ import annotations

from simulator.switch import Switch
from simulator.vendors.cerner.sources import source

SWITCHES: tuple[Switch, ...] = (
    Switch("max_page", "the largest page of what has no rule of its own", source("doc", "D"), least=1),
    Switch("repeat_across_pages", "whether the last Observation of a page comes again on the next", source("doc", "D"),
           traps=("cerner-27",)),
    Switch("rotate_refresh", "whether a refresh gives another refresh token",
           source("guess", "T", "Y", but="that a site does")),
    Switch("propagation_s", "seconds until a new registration is usable", source("seen", "Y")),
    Switch("pkce", "whether smart-configuration announces S256", source("seen", "MF"), traps=("cerner-56",)),
    Switch("classic_token_url", "whether the token endpoint without /hosts/ answers", source("seen", "E", "M")),
    Switch("token_hosts", "whether the token endpoint with /hosts/ in it is there", source("seen", "E", "M")),
    Switch("token_form", "how access tokens are made: encrypted, or readable", source("seen", "Y"), ("jwe", "jws")),
    Switch("nonconforming", "what becomes of a page with a resource that lacks a required value",
           source("guess", "D", "OR", but="that it is left out"), ("refused", "left_out")),
)  # fmt: skip
