"""The habits at NextGen's doors that integrations stumble over."""

from __future__ import annotations

from simulator.source import Mark, Trap
from simulator.vendors.nextgen.sources import source


def _trap(number: str, says: str, mark: Mark, *keys: str, but: str = "") -> Trap:
    return Trap(f"nextgen-{number}", says, source(mark, *keys, but=but))


TRAPS: tuple[Trap, ...] = (
    _trap("01", "a used up day is 200 with nothing: it looks like no data", "seen", "BITFOUNT"),
    _trap("02", "the practice is in a response header, and one header serves one practice", "seen", "SDK", "BITFOUNT",
          but="that another practice's header works is consistent with it, and a guess"),
    _trap("03", "id, secret and `site_id` stand in the body; there is no refresh token", "seen", "SDK", "BITFOUNT"),
    _trap("04", "401 is the text `invalid access token`, no JSON", "seen", "BITFOUNT"),
    _trap("05", "404 is empty or a message, and the message gives away a machine inside", "seen", "SDK"),
    _trap("06", "a service account reads only: a write is 403 with an empty body", "seen", "SDK", "TRIALLY",
          but="which routes are refused is documented by an integrator"),
    _trap("07", "ids of enterprises and practices are padded with zeros", "seen", "SDK"),
    _trap("08", "the header `api-version` and the body of `core/version` differ", "seen", "SDK"),
    _trap("09", "none is said in two ways: null, and a GUID of zeros", "seen", "SDK"),
    _trap("10", "the SMART and the OpenID document name two issuers", "seen", "EVANG"),
    _trap("11", "the token answer need not tell the patient: `GET /Patient` does", "seen", "OAUTHCLIENT"),
    _trap("12", 'another patient is 403 with `["Access denied"]`', "seen", "FASTEN"),
    _trap("13", "a refresh token must be exchanged within 48 hours", "doc", "AUTHGUIDE"),
    _trap("14", "messages need an account and an API key at once", "seen", "NGODOC"),
)  # fmt: skip
