"""How large and how sound a database is, for whoever helps from afar. Changes nothing, and stops at nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, inspect, select

from connector.core.errors import StoreError
from connector.store.database import open_database
from connector.store.restore import file_of
from connector.store.tables import metadata

if TYPE_CHECKING:
    from connector.ports import Clock

#: what SQLite tells at most of what is wrong
_FAULTS: Final = 20


def examine(url: str, *, clock: Clock) -> dict[str, Any]:
    """`tables`: name -> rows, or why they cannot be counted; `soundness`: what SQLite finds wrong, or `ok`; `bytes`:
    of its files. Raises StoreError when it cannot even be opened.
    """
    path = file_of(url)
    sizes = (
        {} if path is None else {each.name: each.stat().st_size for each in sorted(path.parent.glob(f"{path.name}*"))}
    )
    database = open_database(url, clock=clock, busy_timeout_s=5)
    try:
        soundness: list[str] = []
        if path is not None:
            with database.read(0) as tx:
                soundness = list(tx.connection.exec_driver_sql(f"PRAGMA quick_check({_FAULTS})").scalars())
        with database.read(0) as tx:
            names = set(inspect(tx.connection).get_table_names())
        counts: dict[str, int | str] = {}
        for table in metadata.sorted_tables:
            if table.name in names:
                try:
                    with database.read(0) as tx:
                        counts[str(table.name)] = tx.connection.execute(
                            select(func.count()).select_from(table)
                        ).scalar_one()
                except StoreError as error:
                    counts[str(table.name)] = str(error)
        return {"tables": counts, "soundness": soundness, "bytes": sizes}
    finally:
        database.close()
