"""Active flows, Apex triggers and validation rules on objects we write, and the choice of change events.

Names: tooling.ApexTrigger, tooling.ValidationRule and tooling.PlatformEventChannelMember of the schema;
FlowDefinitionView is an object of the data API (object reference; inferred).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.mapping import read_path
from connector.core.verify.org_automation import Automatic, Automation, ChangeEvents
from connector.salesforce import soql
from connector.salesforce.describes import objects_of
from connector.salesforce.inspect import probe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.salesforce.inspect.probe import Answer, Ask, Known

_VIEW_SETUP: Final = "View Setup and Configuration (PermissionsViewSetup)"
_ENTITY: Final = "EntityDefinition.QualifiedApiName"
_FLOW_OBJECT: Final = "TriggerObjectOrEvent.QualifiedApiName"


def _written(known: Known) -> list[str]:
    """Objects we write records of, or fields on."""
    names = [mapping.salesforce.object for mapping in known.pack.kinds.values()]
    names += [companion.object for mapping in known.pack.kinds.values() for companion in mapping.also]
    return list(dict.fromkeys(names))


def ask_flows(known: Known) -> list[Ask]:
    where = [
        "IsActive = true",
        soql.is_in("TriggerType", ["RecordBeforeSave", "RecordAfterSave"]),
        soql.is_in(_FLOW_OBJECT, _written(known)),
    ]
    text = soql.select(["ApiName", "NamespacePrefix", _FLOW_OBJECT], "FlowDefinitionView", where=where)
    return [probe.soql(text)]


def ask_triggers(known: Known) -> list[Ask]:
    # TableEnumOrId is an id for custom objects: the object's name is asked for by the path
    where = ["Status = 'Active'", soql.is_in(_ENTITY, _written(known))]
    text = soql.select(["Name", "NamespacePrefix", _ENTITY], "ApexTrigger", where=where)
    return [probe.tooling(text, permission=_VIEW_SETUP)]


def ask_rules(known: Known) -> list[Ask]:
    where = ["Active = true", soql.is_in(_ENTITY, _written(known))]
    text = soql.select(["ValidationName", "NamespacePrefix", _ENTITY], "ValidationRule", where=where)
    return [probe.tooling(text, permission=_VIEW_SETUP)]


def _read(answers: Sequence[Answer], *, name: str, object_path: str) -> Automation:
    return Automation(
        rows=tuple(
            Automatic(
                name=str(row[name]),
                object=str(read_path(row, object_path) or "an object it does not name"),
                namespace=row.get("NamespacePrefix"),
            )
            for answer in answers
            for row in answer.rows()
        )
    )


def read_flows(_: Known, answers: Sequence[Answer]) -> Automation:
    return _read(answers, name="ApiName", object_path=_FLOW_OBJECT)


def read_triggers(_: Known, answers: Sequence[Answer]) -> Automation:
    return _read(answers, name="Name", object_path=_ENTITY)


def read_rules(_: Known, answers: Sequence[Answer]) -> Automation:
    return _read(answers, name="ValidationName", object_path=_ENTITY)


def ask_change_events(known: Known) -> list[Ask]:
    if not known.options.get("streaming"):
        return []
    return [probe.tooling(soql.select(["SelectedEntity"], "PlatformEventChannelMember"), permission=_VIEW_SETUP)]


def read_change_events(known: Known, answers: Sequence[Answer]) -> ChangeEvents:
    return ChangeEvents(
        selected=frozenset(str(row["SelectedEntity"]) for answer in answers for row in answer.rows()),
        wanted=tuple(_change_event(name) for name in objects_of(known.pack)),
    )


def _change_event(name: str) -> str:
    """blng__Invoice__c -> blng__Invoice__ChangeEvent, Account -> AccountChangeEvent (platform.md B "CDC")."""
    return f"{name.removesuffix('c')}ChangeEvent" if name.endswith("__c") else f"{name}ChangeEvent"


PROBES: Final = (
    probe.Probe(name="flows", asks=ask_flows, read=read_flows),
    probe.Probe(name="triggers", asks=ask_triggers, read=read_triggers),
    probe.Probe(name="validation_rules", asks=ask_rules, read=read_rules),
    probe.Probe(name="change_events", asks=ask_change_events, read=read_change_events),
)
