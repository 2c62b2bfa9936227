"""The form of a token request, read strictly: the right media type, UTF-8, no parameter twice."""

from __future__ import annotations

from urllib.parse import parse_qsl

from simulator.exchange import Exchange
from simulator.refusal import OAuthRefusal

MEDIA = "application/x-www-form-urlencoded"


class Form:
    """The parameters of a token request. Empty values count as omitted (RFC 6749 section 3.2).

    Raises:
        OAuthRefusal: invalid_request, with reason method_not_post, media_type_wrong, form_malformed or
            parameter_repeated.
    """

    __slots__ = ("_values",)

    def __init__(self, body: bytes, media: str | None = MEDIA) -> None:
        if (media or "").partition(";")[0].strip().lower() != MEDIA:
            raise OAuthRefusal("invalid_request", "media_type_wrong", f"Content-Type is {media or 'missing'}")
        try:
            pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=100)
        except ValueError:  # UnicodeDecodeError is one
            raise OAuthRefusal("invalid_request", "form_malformed", "the body is not a form in UTF-8") from None
        self._values: dict[str, str] = {}
        for name, value in pairs:
            if name in self._values:
                raise OAuthRefusal("invalid_request", "parameter_repeated", f"{name} is there twice", parameter=name)
            self._values[name] = value

    @classmethod
    def of(cls, x: Exchange) -> Form:
        """The form of the exchange's body."""
        if x.method != "POST":
            raise OAuthRefusal("invalid_request", "method_not_post", f"{x.method} at a token endpoint")
        return cls(x.body, x.header("content-type"))

    def get(self, name: str) -> str | None:
        """The value of `name`, or None when absent or empty."""
        return self._values.get(name) or None

    def need(self, name: str) -> str:
        """The value of `name`.

        Raises:
            OAuthRefusal: invalid_request, with reason parameter_missing.
        """
        value = self.get(name)
        if value is None:
            raise OAuthRefusal("invalid_request", "parameter_missing", f"{name} is missing", parameter=name)
        return value

    @property
    def names(self) -> tuple[str, ...]:
        """The names that were sent, in order."""
        return tuple(self._values)
