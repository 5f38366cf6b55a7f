"""Which currencies the org and its invoices are in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.verify.org_counts import Currencies
from connector.salesforce.inspect.open_records import in_state, unmirrored
from connector.salesforce.inspect.probe import Probe, soql
from connector.salesforce.soql import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.mapping import KindMapping
    from connector.salesforce.inspect.probe import Answer, Ask, Known

#: what a company's books are in (schema of Organization)
DEFAULT: Final = soql("SELECT DefaultCurrencyIsoCode FROM Organization LIMIT 1")


def asks(known: Known) -> list[Ask]:
    if not known.value("org_needs").multi_currency:
        return [DEFAULT]
    return [
        soql(count(mapping.salesforce.object, by=[path], where=[unmirrored(mapping), in_state(mapping, "live")]))
        for mapping, path in _invoices(known)
    ]


def _invoices(known: Known) -> list[tuple[KindMapping, str]]:
    """The kind whose records are invoices with the path of their currency, where the mapping has it."""
    mapping = known.pack.kinds.get("invoice")
    if mapping is None or mapping.salesforce.currency is None:
        return []
    return [(mapping, mapping.salesforce.currency)]


def read(known: Known, answers: Sequence[Answer]) -> Currencies:
    if known.value("org_needs").multi_currency:
        used: dict[str, int] = {}
        for answer, (_, path) in zip(answers, _invoices(known), strict=True):
            used |= {str(row[path]): int(row["found"]) for row in answer.rows() if row[path] is not None}
        return Currencies(multi_currency=True, used=used)
    # not every org lets its default be asked for: then the setting cannot be compared, and that is all
    single = next((row.get("DefaultCurrencyIsoCode") for answer in answers if answer.ok for row in answer.rows()), None)
    return Currencies(multi_currency=False, single=single, used={})


PROBES: Final = (Probe(name="currencies", asks=asks, read=read, after=("org_needs",)),)
