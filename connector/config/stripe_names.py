"""Which parameters and properties Stripe's resources have, from the derived spec carried as data.

Used to catch a misspelt Stripe name in a mapping before any call. Only the first step of a path is
looked at. `payment` is this program's own view over charges, payment intents and payment records and
has no entry in the spec.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from connector.config.places import DATA

if TYPE_CHECKING:
    from collections.abc import Mapping

#: (resource, action) -> the path it is posted to
_CALLS: Final = {
    ("customer", "create"): "/v1/customers",
    ("customer", "update"): "/v1/customers/{customer}",
    ("product", "create"): "/v1/products",
    ("product", "update"): "/v1/products/{id}",
    ("quote", "create"): "/v1/quotes",
    ("quote", "update"): "/v1/quotes/{quote}",
    ("quote", "finalize"): "/v1/quotes/{quote}/finalize",
    ("quote", "accept"): "/v1/quotes/{quote}/accept",
    ("quote", "cancel"): "/v1/quotes/{quote}/cancel",
    ("invoice", "create"): "/v1/invoices",
    ("invoice", "update"): "/v1/invoices/{invoice}",
    ("invoice", "add_lines"): "/v1/invoices/{invoice}/add_lines",
    ("invoice", "finalize"): "/v1/invoices/{invoice}/finalize",
    ("invoice", "void"): "/v1/invoices/{invoice}/void",
    ("payment_record", "create"): "/v1/payment_records/report_payment",
    ("payment_record", "attach"): "/v1/invoices/{invoice}/attach_payment",
}

#: resources a kind may name
RESOURCES: Final = ("customer", "product", "quote", "invoice", "payment", "payment_record")


def actions(resource: str) -> tuple[str, ...]:
    """The actions constants may be given for; empty for `payment`, which is never written."""
    return tuple(action for name, action in _CALLS if name == resource)


def parameters(resource: str, action: str) -> frozenset[str]:
    """Top-level parameters of the call; empty when the spec does not know it."""
    return _spec().parameters.get(_CALLS.get((resource, action), ""), frozenset())


def properties(resource: str) -> frozenset[str]:
    """Top-level properties of the resource as read; empty when the spec does not know it."""
    return _spec().properties.get(resource, frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spec:
    """Of the spec, what is asked for: a service would carry the rest around for ever."""

    #: path -> names of what may be posted there
    parameters: Mapping[str, frozenset[str]]
    #: resource -> names of what it shows
    properties: Mapping[str, frozenset[str]]


@cache
def _spec() -> _Spec:
    path = DATA / "stripe" / "spec.json.gz"
    if not path.exists():
        return _Spec(parameters={}, properties={})
    with gzip.open(path) as file:
        # the spec holds schemas, no amounts; floats in it are numbers of a schema
        content = json.load(file)
    schemas = content["components"]["schemas"]
    return _Spec(
        parameters={call: _posted(content["paths"].get(call, {}).get("post")) for call in _CALLS.values()},
        properties={name: frozenset(schemas.get(name, {}).get("properties", {})) for name in RESOURCES},
    )


def _posted(operation: Mapping[str, Any] | None) -> frozenset[str]:
    if operation is None:
        return frozenset()
    media = operation["requestBody"]["content"].values()
    return frozenset(name for content in media for name in content["schema"].get("properties", {}))
