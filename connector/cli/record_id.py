"""Ids as people paste them: 15 or 18 characters from Salesforce, `in_...` from Stripe."""

from __future__ import annotations

import re
from typing import Final

from connector.core.errors import ConnectorError
from connector.core.long_id import id_checksum

_STRIPE: Final = re.compile(r"[a-z]+_[A-Za-z0-9_]+")
_SALESFORCE: Final = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


class UnknownRecord(ConnectorError):
    """No record that a person could have meant: neither linked here, nor in the system the id belongs to."""


class UnknownCertificate(ConnectorError):
    """No certificate has this number."""


def full_id(text: str) -> str | None:
    """The id in the form the program keeps, Salesforce's with 18 characters; None when it cannot be one."""
    text = text.strip()
    if _STRIPE.fullmatch(text):
        return text
    if not _SALESFORCE.fullmatch(text):
        return None
    return text[:15] + id_checksum(text[:15])
