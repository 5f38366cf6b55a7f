"""Products, prices and tax rates."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from connector.sandbox.stripe.errors import StripeError, exclusive_parameters, missing_parameter
from connector.sandbox.stripe.metadata import merged
from connector.sandbox.stripe.paging import Page, filters, page

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields
    from connector.sandbox.stripe.store import Object

_PRODUCT_PLAIN = ("description", "unit_label", "url", "tax_code", "statement_descriptor", "shippable")
_RATE_PLAIN = ("country", "description", "jurisdiction", "state", "tax_type")
#: Digits after the point that `unit_amount_decimal` may have.
_MAX_UNIT_DECIMALS = 12
_MAX_DECIMAL = 10**13


def create_product(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del path
    product_id = params.get("id") or engine.ids.new("product")
    if engine.find("product", product_id) is not None:
        raise StripeError("Product already exists.", code="resource_already_exists", param="id")
    product = {
        "id": product_id,
        "object": "product",
        "active": params.get("active", True),
        "created": engine.now,
        "default_price": None,
        "description": None,
        "images": params.get("images") or [],
        "livemode": engine.livemode,
        "marketing_features": params.get("marketing_features") or [],
        "metadata": merged({}, params.get("metadata")),
        "name": _name(params["name"]),
        "package_dimensions": params.get("package_dimensions") or None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": params.get("type", "service"),
        "unit_label": None,
        "updated": engine.now,
        "url": None,
    }
    for name in _PRODUCT_PLAIN:
        if name in params:
            product[name] = params[name] or None
    engine.insert(product)
    if "default_price_data" in params:
        price = new_price(engine, {**params["default_price_data"], "product": product_id}, active=True)
        product["default_price"] = price["id"]
    engine.emit("product.created", product)
    return product


def update_product(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    product = engine.touch(engine.get("product", path["id"]))
    for name in _PRODUCT_PLAIN:
        if name in params:
            product[name] = params[name] or None
    for name in ("active", "images", "marketing_features"):
        if name in params:
            product[name] = params[name] or ([] if name != "active" else params[name])
    if "name" in params:
        product["name"] = _name(params["name"])
    if params.get("default_price"):
        price = engine.get("price", params["default_price"], param="default_price")
        if price["product"] != product["id"]:
            raise StripeError("The price must belong to the product.", param="default_price")
        product["default_price"] = price["id"]
    product["metadata"] = merged(product["metadata"], params.get("metadata"))
    product["updated"] = engine.now
    engine.emit_update("product.updated", product)
    return product


def delete_product(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    product = engine.get("product", path["id"])
    if page(engine, "price", {"limit": 1}, url="", where={"product": [product["id"]]}).data:
        raise StripeError("This product cannot be deleted because it has one or more user-created prices.")
    engine.remove(product)
    engine.emit("product.deleted", product)
    return {"id": product["id"], "object": "product", "deleted": True}


def list_products(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    del path
    if "ids" in params:
        found = [item for item in (engine.find("product", each) for each in params["ids"]) if item is not None]
        return Page(data=found, has_more=False, url="/v1/products")
    where = filters(params, "active")
    return page(engine, "product", params, url="/v1/products", where=where)


def create_price(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del path
    if "product" in params and "product_data" in params:
        raise exclusive_parameters("product", "product_data")
    if "product_data" in params:
        product = create_product(engine, {"name": params["product_data"]["name"]}, {})
        params = {**params, "product": product["id"]}
    for name in ("tiers", "currency_options", "custom_unit_amount", "transform_quantity"):
        if params.get(name):
            raise StripeError(f"This sandbox does not model `{name}` of a price.", param=name)
    return new_price(engine, params, active=params.get("active", True))


def new_price(engine: Engine, params: Fields, *, active: bool, param: str = "") -> Object:
    """A price from `prices.create` or from an inline `price_data` (which is born inactive)."""
    at = f"{param}[{{}}]" if param else "{}"
    if "product" not in params:
        raise missing_parameter(at.format("product"))
    engine.get("product", params["product"], param=at.format("product"))
    currency = engine.currencies.code(params["currency"], param=at.format("currency"))
    whole, exact = unit_amount(params, at=at)
    recurring = params.get("recurring")
    price = {
        "id": engine.ids.new("price"),
        "object": "price",
        "active": active,
        "billing_scheme": params.get("billing_scheme", "per_unit"),
        "created": engine.now,
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": engine.livemode,
        "lookup_key": params.get("lookup_key") or None,
        "metadata": merged({}, params.get("metadata")),
        "nickname": params.get("nickname") or None,
        "product": params["product"],
        "recurring": recurring
        and {
            "interval": recurring["interval"],
            "interval_count": recurring.get("interval_count", 1),
            "meter": None,
            "trial_period_days": None,
            "usage_type": recurring.get("usage_type", "licensed"),
        },
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": whole,
        "unit_amount_decimal": exact,
    }
    engine.insert(price)
    engine.emit("price.created", price)
    return price


def unit_amount(params: Fields, *, at: str) -> tuple[int | None, str]:
    """Whole minor units (None when there is a fraction) and the exact decimal text."""
    if "unit_amount" in params and "unit_amount_decimal" in params:
        raise exclusive_parameters(at.format("unit_amount"), at.format("unit_amount_decimal"))
    if "unit_amount" in params:
        return params["unit_amount"], str(params["unit_amount"])
    if "unit_amount_decimal" not in params:
        raise missing_parameter(at.format("unit_amount"))
    amount = decimal(params["unit_amount_decimal"], param=at.format("unit_amount_decimal"))
    exponent = amount.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > _MAX_UNIT_DECIMALS:
        raise StripeError(
            f"Invalid decimal: {params['unit_amount_decimal']}; at most {_MAX_UNIT_DECIMALS} decimal places are allowed.",
            param=at.format("unit_amount_decimal"),
        )
    whole = amount.to_integral_value()
    return (int(whole) if whole == amount else None), format(amount.normalize(), "f")


def decimal(text: str, *, param: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise StripeError(f"Invalid decimal: {text}", param=param) from error
    if not value.is_finite() or abs(value) >= _MAX_DECIMAL:
        raise StripeError(f"Invalid decimal: {text}", param=param)
    return value


def update_price(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    price = engine.touch(engine.get("price", path["price"]))
    for name in ("active", "nickname", "lookup_key", "tax_behavior"):
        if name in params:
            price[name] = params[name] if params[name] != "" else None
    price["metadata"] = merged(price["metadata"], params.get("metadata"))
    engine.emit_update("price.updated", price)
    return price


def list_prices(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    del path
    where = filters(params, "active", "product", "currency", "type")
    if "lookup_keys" in params:
        where["lookup_key"] = params["lookup_keys"]
    return page(engine, "price", params, url="/v1/prices", where=where)


def create_tax_rate(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del path
    return new_tax_rate(engine, params, active=params.get("active", True))


def new_tax_rate(engine: Engine, params: Fields, *, active: bool) -> Object:
    percentage = params["percentage"]
    if not 0 <= percentage <= 100:
        raise StripeError("Percentage must be between 0 and 100.", param="percentage")
    rate = {
        "id": engine.ids.new("tax_rate"),
        "object": "tax_rate",
        "active": active,
        "country": None,
        "created": engine.now,
        "description": None,
        "display_name": params["display_name"],
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": params["inclusive"],
        "jurisdiction": None,
        "jurisdiction_level": params.get("jurisdiction_level"),
        "livemode": engine.livemode,
        "metadata": merged({}, params.get("metadata")),
        "percentage": percentage,
        "rate_type": "percentage",
        "state": None,
        "tax_type": None,
    }
    for name in _RATE_PLAIN:
        rate[name] = params.get(name) or None
    engine.insert(rate)
    engine.emit("tax_rate.created", rate)
    return rate


def update_tax_rate(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    rate = engine.touch(engine.get("tax_rate", path["tax_rate"]))
    for name in (*_RATE_PLAIN, "display_name"):
        if name in params:
            rate[name] = params[name] or None
    if "active" in params:
        rate["active"] = params["active"]
    rate["metadata"] = merged(rate["metadata"], params.get("metadata"))
    engine.emit_update("tax_rate.updated", rate)
    return rate


def list_tax_rates(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    del path
    where = filters(params, "active", "inclusive")
    return page(engine, "tax_rate", params, url="/v1/tax_rates", where=where)


def _name(name: str) -> str:
    if not name.strip():
        raise StripeError("You passed an empty string for 'name'.", code="parameter_invalid_empty", param="name")
    return name
