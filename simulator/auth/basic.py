"""HTTP Basic as client authentication."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_plus

from simulator.refusal import OAuthRefusal


def credentials(header: str | None, *, form_encoded: bool = True) -> tuple[str, str]:
    """The (client id, secret) of an `Authorization: Basic` header.

    Both parts are form-urldecoded, as RFC 6749 section 2.3.1 wants, unless the vendor takes them as they stand.

    Raises:
        OAuthRefusal: invalid_client, with reason basic_missing or basic_malformed.
    """
    scheme, _, packed = (header or "").strip().partition(" ")
    if scheme.lower() != "basic":
        raise OAuthRefusal("invalid_client", "basic_missing", "no Basic credentials")
    try:
        text = base64.b64decode(packed.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise OAuthRefusal("invalid_client", "basic_malformed", "Basic credentials are not base64 of UTF-8") from None
    client_id, colon, secret = text.partition(":")
    if not colon:
        raise OAuthRefusal("invalid_client", "basic_malformed", "Basic credentials have no colon")
    return (unquote_plus(client_id), unquote_plus(secret)) if form_encoded else (client_id, secret)
