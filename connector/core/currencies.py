"""How Stripe counts each currency: the explicit list of what this program will move.

The special groups restate `connector/data/stripe/currencies.json` (a test compares them while the
file is present; core reads no files). The two-decimal list is Stripe's published list of presentment
currencies less the special groups: a code that stands nowhere here is refused, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyRule:
    #: amount in the API = decimal amount * 10**exponent
    exponent: int
    #: the API accepts only multiples of this many minor units
    multiple: int = 1


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


ZERO_DECIMAL: Final = _codes("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")

#: Three decimals on the wire, of which the last must be 0 (currencies.json `three_decimal_rule`).
THREE_DECIMAL: Final = _codes("bhd jod kwd omr tnd")

#: Two decimals on the wire that must both be 0 (currencies.json `special`). Sources contradict each other
#: about UGX, which some copies list as zero-decimal; the special-cases table is followed here, and a setting
#: decides otherwise (`counted_whole`).
WHOLE_UNITS_ONLY: Final = _codes("isk ugx")

#: HUF and TWD stand here: only their payouts, which this program never makes, are restricted.
TWO_DECIMAL: Final = _codes(
    """
    aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc
    cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs khr kyd
    kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php
    pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd uyu uzs
    wst xcd xcg yer zar zmw
    """
)

#: lower-case ISO code -> how Stripe counts it
CurrencyTable: TypeAlias = "Mapping[str, CurrencyRule]"

CURRENCIES: Final[CurrencyTable] = {
    **dict.fromkeys(TWO_DECIMAL, CurrencyRule(exponent=2)),
    **dict.fromkeys(ZERO_DECIMAL, CurrencyRule(exponent=0)),
    **dict.fromkeys(THREE_DECIMAL, CurrencyRule(exponent=3, multiple=10)),
    **dict.fromkeys(WHOLE_UNITS_ONLY, CurrencyRule(exponent=2, multiple=100)),
}


def counted_whole(codes: Collection[str]) -> CurrencyTable:
    """The table with these currencies in whole units instead of hundreds of hundredths: 5 UGX = 5, not 500.

    Raises ValueError for a currency about which the sources agree: a wrong exponent bills a hundredfold.
    """
    for code in codes:
        if code not in WHOLE_UNITS_ONLY:
            known = ", ".join(sorted(WHOLE_UNITS_ONLY))
            raise ValueError(f"{code!r} is counted as published; only {known} can be counted otherwise")
    return {**CURRENCIES, **dict.fromkeys(codes, CurrencyRule(exponent=0))}
