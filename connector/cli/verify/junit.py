"""A verification as JUnit XML, for build servers: red there is what makes the exit code 1 here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Mapping

#: characters XML 1.0 has no way to write
_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Mapping[str, Any]) -> str:
    """One testcase per check. What is open but does not fail the run, what was accepted and what does not
    apply is `skipped`: never a pass.
    """
    summary = report["summary"]
    failing = {*summary["failed"], *summary["stopping"]}
    suite = ET.Element("testsuite", name="connector verify", timestamp=report["at"][:19], time=str(summary["seconds"]))
    properties = ET.SubElement(suite, "properties")
    for name, value in (("run_id", report["run_id"]), ("profile", report["profile"]["id"])):
        ET.SubElement(properties, "property", name=name, value=_clean(value))
    for check in report["checks"]:
        name = f"{check['id']} {check['title']}"
        case = ET.SubElement(suite, "testcase", name=_clean(name), classname=_clean(check["topic"]), time="0")
        _fill(case, check, fails=check["id"] in failing)
    counted = {name: str(len(suite.findall(f"testcase/{name}"))) for name in ("failure", "error", "skipped")}
    totals = {
        "tests": str(len(report["checks"])),
        "failures": counted["failure"],
        "errors": counted["error"],
        "skipped": counted["skipped"],
    }
    suite.attrib.update(totals)
    suites = ET.Element("testsuites", {"name": "connector verify", "time": str(summary["seconds"]), **totals})
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _fill(case: ET.Element, check: Mapping[str, Any], *, fails: bool) -> None:
    message = _clean(f"{check['outcome']}: {check['observed']}")
    if fails:
        sort = "error" if check["outcome"] == "crashed" else "failure"
        ET.SubElement(case, sort, message=message, type=check["severity"]).text = _clean(_details(check))
    elif check["accepted"] is not None:
        risk = check["accepted"]
        words = f"accepted by {risk['owner']} until {risk['expires']}: {risk['reason']}"
        ET.SubElement(case, "skipped", message=_clean(words))
    elif check["outcome"] == "pass":
        ET.SubElement(case, "system-out").text = _clean(check["observed"])
    else:
        ET.SubElement(case, "skipped", message=message)


def _details(check: Mapping[str, Any]) -> str:
    names = (("Expected", "expected"), ("Why", "why"), ("Fix", "fix"), ("Setup", "link"))
    lines = [f"{name}: {check[key]}" for name, key in names if check[key]]
    return "\n".join([*lines, *(f"Seen: {fact}" for fact in check["evidence"])])


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
