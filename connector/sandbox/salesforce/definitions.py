"""What objects an org has and how each is defined, from its settings and the metadata deployed to it."""

from __future__ import annotations

import functools
import json
from types import MappingProxyType
from typing import TYPE_CHECKING

from connector.sandbox.salesforce import bootstrap, metadata, schema
from connector.sandbox.salesforce.formulas import FORMULAS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.sandbox.salesforce.settings import OrgSettings


def objects_of(settings: OrgSettings) -> Mapping[str, schema.SObject]:
    """Every object of a new org. Raises ValueError as `load_custom_fields` and `build_objects` do."""
    custom = {} if settings.metadata_dir is None else metadata.load_custom_fields(settings.metadata_dir)
    # The folder is read each time, for its files may have changed.
    return _objects(json.dumps(custom), settings.multi_currency, settings.packages, tuple(settings.payment_statuses))


@functools.lru_cache(maxsize=32)
def _objects(
    custom_fields: str, multi_currency: bool, packages: tuple[str, ...], payment_statuses: tuple[str, ...]
) -> Mapping[str, schema.SObject]:
    """Definitions are frozen: orgs with the same ones share them, and building them is a third of founding an org."""
    computed = {name: frozenset(formulas) for name, formulas in FORMULAS.items()}
    objects = schema.build_objects(
        json.loads(custom_fields), multi_currency=multi_currency, computed=computed, namespaces=packages
    )
    codes = tuple(code for code, _, _ in bootstrap.CURRENCIES)
    for name, obj in objects.items():
        if "CurrencyIsoCode" in obj.fields:
            objects[name] = schema.with_picklist(obj, "CurrencyIsoCode", codes, restricted=True)
    if "blng__Payment__c" in objects:
        objects["blng__Payment__c"] = schema.with_picklist(
            objects["blng__Payment__c"], "blng__Status__c", payment_statuses, restricted=True
        )
    if "blng__PaymentGateway__c" in objects:
        # The value set is open to administrators, and whoever wants Stripe adds it.
        gateway = objects["blng__PaymentGateway__c"]
        types = (*gateway.fields["blng__GatewayType__c"].picklist, bootstrap.GATEWAY_TYPE)
        objects[gateway.name] = schema.with_picklist(gateway, "blng__GatewayType__c", types, restricted=True)
    return MappingProxyType(objects)
