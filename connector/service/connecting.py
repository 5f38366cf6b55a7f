"""Works while both systems can be reached, and waits for them while they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from connector.app import open_app
from connector.core.errors import ConnectorError, RemoteError, StoreAway
from connector.service.running import Broken

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.app import App
    from connector.service.process import Process
    from connector.store import SqlStore

#: waits between two tries to reach both systems at the start
_WAITS_S: Final = (2, 5, 15, 30, 60)


def work_when_connected(process: Process, store: SqlStore, work: Callable[[App], None]) -> None:
    """Connects, lets `work` until it is to stop, and tells why it could not."""
    log = structlog.get_logger("connector")
    running = process.running
    tries = 0
    # whichever way the work ends, the service is about to stop
    while not running.stopping.is_set():
        try:
            with open_app(
                process.settings,
                stop=running.stopping.is_set,
                clock=process.clock,
                store=store,
                listeners=process.counting.listeners(),
            ) as app:
                running.connected()
                work(app)
        except (RemoteError, StoreAway) as error:
            running.cut_off(str(error), now=process.clock.now())
            wait_s = _WAITS_S[min(tries, len(_WAITS_S) - 1)]
            tries += 1
            log.warning("not connected yet", error=str(error), again_in_s=wait_s)
            running.stopping.wait(wait_s)
        except ConnectorError as error:
            running.fail(error)
            return
        except Exception:
            log.exception("the work ended")
            running.fail(Broken("the work ended by a bug of ours; see the log"))
            return
