"""Names, places and products the seed draws from. All invented; domains end in `.example`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    street: str
    city: str
    state: str | None
    postal_code: str
    #: as people type it
    country: str
    phone: str
    currency: str
    tax_percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    name: str
    code: str
    description: str
    family: str
    #: list price in dollars; a usage price may be finer than a cent
    price: Decimal
    charge_type: str
    active: bool = True


COMPANIES = (
    "Brightwater Labs",
    "Müller & Söhne GmbH",
    "Keystone Freight Co.",
    "Åkerlund Design AB",
    "Hikari Seimitsu K.K.",
    "O'Connor Roofing",
    "Atelier Lumière SARL",
    "Pine Ridge Dairy",
    "Gulf Horizon Trading",
    "Tumbleweed Analytics",
    "Nordlicht Energie AG",
    'Casa "La Luz" Hotels',
)

PEOPLE = (
    ("Mary", "Okafor"),
    ("Jürgen", "Weiß"),
    ("Priya", "Raman"),
    ("Liam", "O'Brien"),
    ("Haruka", "Sato"),
    ("Sofía", "Núñez"),
    ("Chloé", "Martin"),
    ("Tom", "Whitfield"),
    ("Layla", "Al-Sabah"),
    ("Ines", "Costa"),
    ("Lars", "Nyström"),
    ("Grace", "Kim"),
)


def _place(  # noqa: PLR0913, PLR0917 - the columns of the table below
    street: str, city: str, state: str | None, postal_code: str, country: str, phone: str, currency: str, tax: str
) -> Place:
    return Place(
        street=street,
        city=city,
        state=state,
        postal_code=postal_code,
        country=country,
        phone=phone,
        currency=currency,
        tax_percent=Decimal(tax),
    )


PLACES = (
    _place("410 Terry Ave", "Seattle", "WA", "98109", "United States", "+1 206 555 0143", "USD", "10.25"),
    _place("Hauptstraße 12\nHinterhaus", "Berlin", None, "10115", "Germany", "+49 30 5550100", "EUR", "19"),
    _place("77 Wharf Rd", "Baltimore", "MD", "21230", "United States", "+1 410 555 0111", "USD", "6"),
    _place("Sveavägen 9", "Stockholm", None, "111 57", "Sweden", "+46 8 555 010 20", "EUR", "25"),
    _place("2-4-1 Marunouchi", "Tokyo", None, "100-6390", "Japan", "+81 3 5550 0123", "JPY", "10"),
    _place("15 Elm Street", "Boise", "ID", "83702", "United States", "+1 208 555 0177", "USD", "0"),
    _place("8 rue des Archives", "Paris", None, "75004", "France", "+33 1 55 50 01 00", "EUR", "20"),
    _place("2200 County Road 9", "Madison", "WI", "53703", "United States", "+1 608 555 0166", "USD", "5.5"),
    _place("Block 3, Al Sharq", "Kuwait City", None, "15300", "Kuwait", "+965 5550 0101", "KWD", "0"),
    _place("501 Congress Ave", "Austin", "TX", "78701", "United States", "+1 512 555 0188", "USD", "8.25"),
    _place("Speicherstadt 4", "Hamburg", None, "20457", "Germany", "+49 40 5550199", "EUR", "19"),
    _place("Calle Mayor 21", "Madrid", None, "28013", "Spain", "+34 915 550 100", "EUR", "21"),
)


def _product(name: str, code: str, description: str, family: str, price: str, charge_type: str) -> Product:
    return Product(
        name=name, code=code, description=description, family=family, price=Decimal(price), charge_type=charge_type
    )


PRODUCTS = (
    _product("Platform Seat", "PLAT-SEAT", "Named user, per month", "Software", "49.00", "Recurring"),
    _product("Analytics Add-on", "ANLY-ADD", "Dashboards and exports, per month", "Software", "19.99", "Recurring"),
    _product("API Calls", "API-CALL", "Per call beyond the included volume", "Software", "0.012345", "Usage"),
    _product("Onboarding", "SVC-ONB", "Two days with a consultant", "Services", "2400.00", "One-Time"),
    _product("Premium Support", "SUP-PREM", "24x7, one hour response", "Support", "333.33", "Recurring"),
    _product("Gateway Device", "DEV-GW2", "Rack mount, second generation", "Device", "1185.50", "One-Time"),
    _product("Training Day", "SVC-TRN", "On site, up to twelve people", "Services", "950.00", "One-Time"),
    Product(
        name="Legacy Connector",
        code="LEG-CON",
        description="No longer sold, still billed",
        family="Software",
        price=Decimal("75.05"),
        charge_type="Recurring",
        active=False,
    ),
)
