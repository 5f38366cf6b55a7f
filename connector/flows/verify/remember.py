"""What stays of a verification: the run itself, and the packages later runs are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.core.verify.memory import PastRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.verify.memory import PackagePin
    from connector.flows.verify.run import Verification
    from connector.ports.verifying import VerifyMemory


def remember(
    verification: Verification, memory: VerifyMemory, *, report: Mapping[str, Any], accept_packages: bool
) -> None:
    """Stores the run. Packages that were never seen are pinned; known ones stay as they were, unless accepted."""
    if verification.pins is not None:
        known = [] if accept_packages else memory.load_pins()
        memory.save_pins(_with_unknown(known, verification.pins))
    memory.save_verification(
        PastRun(
            run_id=verification.run_id,
            at=verification.started_at,
            profile=verification.profile.id,
            verdicts={result.check.id: result.verdict.value for result in verification.results},
            report=report,
        )
    )


def _with_unknown(known: Sequence[PackagePin], seen: Sequence[PackagePin]) -> list[PackagePin]:
    namespaces = {pin.namespace for pin in known}
    return [*known, *(pin for pin in seen if pin.namespace not in namespaces)]
