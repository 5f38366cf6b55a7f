"""Takes secrets and personal data out of what people and log stores get to see.

By the name of a key, wherever it is nested, and by the pattern of a text, wherever it stands. Pure;
used by telemetry for every log line and by the faces for plans, errors and tracebacks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "***"

#: parts of key names (letters and digits only, lower case) whose values are credentials
_SECRET_PARTS: Final = (
    "secret",
    "password",
    "passwd",
    "apikey",
    "privatekey",
    "accesstoken",
    "refreshtoken",
    "sessionid",
    "authorization",
    "assertion",
    "cookie",
    "credential",
)
#: endings of key names whose values tell who or where a person is
_PERSONAL_ENDINGS: Final = (
    "email",
    "phone",
    "fax",
    "firstname",
    "lastname",
    "fullname",
    "street",
    "line1",
    "line2",
    "postalcode",
)
#: whole key names of the same sort, too short to be an ending
_PERSONAL_NAMES: Final = frozenset({"name"})

_EMAIL: Final = re.compile(r"([A-Za-z0-9])[A-Za-z0-9._%+'-]*@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
#: (what it looks like, what is left of it)
_PATTERNS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    # Stripe keys and webhook secrets (stripe/platform.md)
    (re.compile(r"(?<![A-Za-z0-9])((?:sk|rk|whsec)_(?:live_|test_)?+)[A-Za-z0-9_+/=]+"), rf"\1{HIDDEN}"),
    # a Salesforce session: 15 or 18 characters of the org id, `!`, the secret part
    (re.compile(r"\b(00D[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?)!\S+?(?=[\s\"',;&)}\]]|$)"), rf"\1!{HIDDEN}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"), HIDDEN),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=!-]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"(://[^/\s:@]*):[^/\s@]+@"), rf"\1:{HIDDEN}@"),
    (
        re.compile(
            r"\b(client_secret|access_token|refresh_token|api_key|password|assertion)(\"?\s*[=:]\s*\"?)[^\s\"&,;}]+",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
)


def redact_text(text: str) -> str:
    """The text with everything that looks like a secret or an e-mail address hidden: `a***@acme.com`."""
    return _EMAIL.sub(rf"\1{HIDDEN}@\2", redact_secrets(text))


def redact_secrets(text: str) -> str:
    """The text with everything that looks like a secret hidden; people's addresses stay."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact(value: Any, key: str = "") -> Any:
    """A copy of JSON-like data without secrets and personal data; `key` is the name it stands under."""
    folded = "".join(char for char in key.casefold() if char.isalnum())
    if any(part in folded for part in _SECRET_PARTS):
        return None if value is None else HIDDEN
    if isinstance(value, Mapping):
        return {name: redact(part, str(name)) for name, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(part, key) for part in value]
    if folded in _PERSONAL_NAMES or folded.endswith(_PERSONAL_ENDINGS):
        return _mask_personal(value, folded)
    return redact_text(value) if isinstance(value, str) else value


def mask_contact(value: Any, key: str) -> Any:
    """For plans: hides e-mail addresses, telephone numbers and streets, and leaves names of companies,
    which is what a person reading a plan recognises a record by. `key` may be dotted.
    """
    last = key.rsplit(".", 1)[-1]
    folded = "".join(char for char in last.casefold() if char.isalnum())
    if folded in _PERSONAL_NAMES or isinstance(value, (Mapping, list, tuple)):
        return redact_text(value) if isinstance(value, str) else _mask_within(value)
    return redact(value, last)


def _mask_within(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: mask_contact(part, str(name)) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask_contact(part, "") for part in value]
    return value


def _mask_personal(value: Any, folded: str) -> Any:
    if value is None or value == "":
        return value
    if folded.endswith("email") and isinstance(value, str):
        masked = _EMAIL.sub(rf"\1{HIDDEN}@\2", value)
        return masked if masked != value else HIDDEN
    return HIDDEN
