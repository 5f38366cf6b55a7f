"""Decodes `application/x-www-form-urlencoded` with Stripe's brackets into nested dicts and lists.

`a[b]=1` nests, `a[0][b]=1` and `a[][b]=1` are arrays. Leaves stay text: what a text means is the
operation's schema to say (`spec.py`).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_plus

from connector.sandbox.stripe.errors import StripeError


def decode_form(encoded: str) -> dict[str, Any]:
    """The parameters of a form body or a query string; raises StripeError where brackets contradict each other."""
    root: dict[str, Any] = {}
    if not encoded:
        return root
    for pair in encoded.split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        key = unquote_plus(name)
        text = unquote_plus(value)
        head, bracket, rest = key.partition("[")
        if not bracket:
            root[head] = text
            continue
        if not rest.endswith("]"):
            raise StripeError(f"Invalid parameter name: {key}", param=key)
        _put(root, [head, *rest[:-1].split("][")], text, key)
    return root


def _put(root: dict[str, Any], parts: list[str], text: str, key: str) -> None:
    node: Any = root
    last = len(parts) - 1
    for position, part in enumerate(parts):
        if isinstance(node, list):
            node = _put_in_list(node, part, parts[position + 1 :], text, key)
        elif not isinstance(node, dict):
            raise StripeError(f"Invalid parameter name: {key}", param=key)
        elif position == last:
            node[part] = text
        else:
            node = node.setdefault(part, [] if parts[position + 1] == "" else {})
        if node is None:
            return


def _put_in_list(items: list[Any], part: str, following: list[str], text: str, key: str) -> Any:
    """Puts into `a[]...`; gives the node to go on with, or None when the text has been placed."""
    if part != "":
        raise StripeError(f"Invalid parameter name: {key}", param=key)
    if not following:
        items.append(text)
        return None
    # `a[][b]` belongs to the newest element until that element already has a `b`.
    if not items or not isinstance(items[-1], dict) or following[0] in items[-1]:
        items.append({})
    return items[-1]
