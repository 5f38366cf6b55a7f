"""A verification as SARIF 2.1.0. Our checks are about orgs, not files: every result is anchored to the line
of its rule, because GitHub refuses a whole file when one result has no physical location.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from connector import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {"blocker": "error", "error": "error", "warning": "warning", "info": "note"}
#: outcomes that are no failure, as SARIF calls them; such a result has level `none`
_KINDS: Final = {"unknown": "open", "manual": "review"}


def sarif(report: Mapping[str, Any]) -> str:
    """Everything that is open or accepted; what passed is no result."""
    checks = report["checks"]
    stopping = set(report["summary"]["stopping"])
    places = {check["id"]: number for number, check in enumerate(checks)}
    results = [
        _result(check, places[check["id"]], fails=check["id"] in stopping)
        for check in checks
        if check["outcome"] not in ("pass", "not_applicable")
    ]
    run = {
        "tool": {
            "driver": {"name": "connector verify", "version": __version__, "rules": [_rule(check) for check in checks]}
        },
        "automationDetails": {"id": f"connector-verify/{report['profile']['id']}/"},
        "invocations": [{"executionSuccessful": True, "endTimeUtc": f"{report['at'][:19]}Z"}],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=1) + "\n"


def _rule(check: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": check["id"],
        "shortDescription": {"text": check["title"]},
        "fullDescription": {"text": f"Expected: {check['expected']}. Why: {check['why']}"},
        "help": {"text": check["fix"] + (f"\n{check['link']}" if check["link"] else "")},
        "defaultConfiguration": {"level": _LEVELS[check["severity"]]},
        "properties": {"tags": [check["topic"]], "certainty": check["certainty"]},
    }


def _result(check: Mapping[str, Any], index: int, *, fails: bool) -> dict[str, Any]:
    kind = "fail" if fails else _KINDS.get(check["outcome"], "fail")
    level = _LEVELS[check["severity"]]
    if check["outcome"] == "warn" and level == "error":
        level = "warning"
    uri, _, line = check["place"].rpartition(":")
    result = {
        "ruleId": check["id"],
        "ruleIndex": index,
        "kind": kind,
        "level": level if kind == "fail" else "none",
        "message": {"text": f"{check['title']}: {check['observed']}"},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": int(line)}}},
        ],
        "partialFingerprints": {"connectorCheck/v1": check["id"]},
    }
    if check["accepted"] is not None:
        risk = check["accepted"]
        words = f"accepted by {risk['owner']} until {risk['expires']}: {risk['reason']}"
        result["suppressions"] = [{"kind": "external", "justification": words}]
    return result
