"""Metadata: merged on update, `""` unsets a key or everything, 50 keys of 40 and 500 characters (platform.md C5)."""

from __future__ import annotations

from typing import Any

from connector.sandbox.stripe.errors import StripeError

MAX_KEYS = 50
MAX_KEY_LENGTH = 40
MAX_VALUE_LENGTH = 500


def merged(current: dict[str, str] | None, given: Any, *, param: str = "metadata") -> dict[str, str]:
    """The metadata after a request; `given` is None (not sent), "" (unset all) or the keys sent."""
    if given is None:
        return dict(current or {})
    if given == "":
        return {}
    result = dict(current or {})
    for key, value in given.items():
        if not key or "[" in key or "]" in key:
            raise StripeError("Metadata keys cannot be empty or contain square brackets.", param=param)
        if len(key) > MAX_KEY_LENGTH:
            raise StripeError(
                f"Invalid metadata key: `{key}` is too long: metadata keys can have up to {MAX_KEY_LENGTH} characters.",
                param=param,
            )
        if len(value) > MAX_VALUE_LENGTH:
            raise StripeError(
                f"Metadata values can have up to {MAX_VALUE_LENGTH} characters, but you passed in a value that is "
                f"{len(value)} characters. Invalid value: {value[:100]}",
                param=f"{param}[{key}]",
            )
        if value == "":
            result.pop(key, None)
        else:
            result[key] = value
    if len(result) > MAX_KEYS:
        raise StripeError(f"You can only set up to {MAX_KEYS} metadata keys.", param=param)
    return result
