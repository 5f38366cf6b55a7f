"""Ids with Stripe's prefixes and random-looking tails that a seed repeats exactly."""

from __future__ import annotations

from hashlib import blake2b

_ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TABLE = bytes(_ALPHABET[value % len(_ALPHABET)] for value in range(256))
_UPPER = bytes(_ALPHABET[value % 36] for value in range(256))

PREFIXES = {
    "balance_transaction": "txn",
    "billing_portal.configuration": "bpc",
    "charge": "ch",
    "customer": "cus",
    "customer_balance_transaction": "cbtxn",
    "event": "evt",
    "invoice": "in",
    "invoice_payment": "inpay",
    "invoiceitem": "ii",
    "item": "li",
    "line_item": "il",
    "payment_attempt_record": "par",
    "payment_intent": "pi",
    "payment_method": "pm",
    "payment_record": "pr",
    "price": "price",
    "product": "prod",
    "quote": "qt",
    "refund": "re",
    "request": "req",
    "tax_rate": "txr",
    "webhook_endpoint": "we",
}
#: Customers and products have short tails; the others carry the account's part first.
_SHORT = frozenset({"customer", "product", "request"})


class Ids:
    """Counts up; two of the same seed and stream give the same ids in the same order."""

    def __init__(self, seed: int, *, stream: str = "") -> None:
        self._seed = f"{seed}{stream}".encode()
        self.count = 0
        self.account_id = f"acct_1{self.tail(15)}"

    def tail(self, length: int) -> str:
        self.count += 1
        return _digest(self._seed, self.count, length).translate(_TABLE).decode()

    def upper(self, length: int) -> str:
        """Upper-case letters and digits, as in an invoice prefix."""
        self.count += 1
        return _digest(self._seed, self.count, length).translate(_UPPER).decode()

    def new(self, kind: str) -> str:
        if kind in _SHORT:
            return f"{PREFIXES[kind]}_{self.tail(14)}"
        return f"{PREFIXES[kind]}_1{self.tail(23)}"


def _digest(seed: bytes, count: int, length: int) -> bytes:
    return blake2b(count.to_bytes(8, "big"), digest_size=max(1, min(length, 64)), key=seed).digest()
