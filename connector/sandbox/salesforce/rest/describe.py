"""Describe answers, in the shape of recorded ones. What the user may not see is not there."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.sandbox.salesforce.schema import Field, SObject

_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "time": "xsd:time",
    "address": "urn:address",
}


def describe_global(objects: Mapping[str, SObject], root: str) -> dict[str, Any]:
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [_summary(obj, root) for obj in objects.values()]}


def basic_information(obj: SObject, root: str, recent: list[dict[str, Any]]) -> dict[str, Any]:
    """`GET sobjects/X`."""
    return {"objectDescribe": _summary(obj, root), "recentItems": recent}


def describe_object(obj: SObject, objects: Mapping[str, SObject], root: str) -> dict[str, Any]:
    """`GET sobjects/X/describe`."""
    return {
        "actionOverrides": [],
        **_summary(obj, root),
        "childRelationships": _child_relationships(obj, objects),
        "compactLayoutable": True,
        "fields": [_field(field) for field in obj.fields.values()],
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [
            {
                "active": True,
                "available": True,
                "defaultRecordTypeMapping": True,
                "developerName": "Master",
                "master": True,
                "name": "Master",
                "recordTypeId": "012000000000000AAA",
                "urls": {"layout": f"{root}/sobjects/{obj.name}/describe/layouts/012000000000000AAA"},
            }
        ],
        "searchLayoutable": True,
        "supportedScopes": [{"label": f"All {obj.plural_label}", "name": "everything"}],
    }


def _summary(obj: SObject, root: str) -> dict[str, Any]:
    base = f"{root}/sobjects/{obj.name}"
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": obj.createable,
        "custom": obj.custom,
        "customSetting": obj.custom_setting,
        "deepCloneable": False,
        "deletable": obj.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": obj.key_prefix,
        "label": obj.label,
        "labelPlural": obj.plural_label,
        "layoutable": True,
        "mergeable": False,
        "mruEnabled": True,
        "name": obj.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "undeletable": obj.deletable,
        "updateable": obj.updateable,
        "urls": {"describe": f"{base}/describe", "rowTemplate": f"{base}/{{ID}}", "sobject": base},
    }


def _child_relationships(obj: SObject, objects: Mapping[str, SObject]) -> list[dict[str, Any]]:
    return [
        {
            "cascadeDelete": field.on_delete == "Cascade",
            "childSObject": child.name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": field.child_relationship_name,
            "restrictedDelete": field.on_delete == "Restrict",
        }
        for child in objects.values()
        for field in child.fields.values()
        if obj.name in field.reference_to
    ]


@cache
def _field(field: Field) -> dict[str, Any]:
    length = field.length or 0 if field.is_text or field.type in {"id", "reference"} else 0
    values = field.picklist
    return {
        "aggregatable": field.filterable,
        "aiPredictionField": False,
        "autoNumber": field.auto_number is not None,
        "byteLength": length * 3 if field.is_text else length,
        "calculated": field.calculated,
        "calculatedFormula": None,
        "cascadeDelete": field.reference_to != () and field.on_delete == "Cascade",
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": None,
        "controllerName": None,
        "createable": field.createable,
        "custom": field.name.endswith("__c"),
        "defaultValue": field.default if field.type == "boolean" else None,
        "defaultValueFormula": None,
        "defaultedOnCreate": field.default is not None
        or field.auto_number is not None
        or field.type == "boolean"
        or field.name in {"Id", "CurrencyIsoCode", "OwnerId"},
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": 10 if field.type == "int" else 0,
        "displayLocationInDecimal": False,
        "encrypted": field.type == "encryptedstring",
        "externalId": field.external_id,
        "extraTypeInfo": None,
        "filterable": field.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": field.is_formula and field.is_number,
        "groupable": field.groupable,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.id_lookup,
        "inlineHelpText": None,
        "label": field.label,
        "length": length,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.name == "Name",
        "namePointing": len(field.reference_to) > 1,
        "nillable": field.nillable and not field.required,
        "permissionable": field.nillable and not field.required and not field.master_detail,
        "picklistValues": [
            {
                "active": True,
                "defaultValue": value == field.default,
                "label": value,
                "validFor": None,
                "value": value,
            }
            for value in values
        ],
        "polymorphicForeignKey": len(field.reference_to) > 1,
        "precision": field.precision or 0,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship_name,
        "relationshipOrder": field.relationship_order if field.master_detail else None,
        "restrictedDelete": field.on_delete == "Restrict",
        "restrictedPicklist": field.restricted,
        "scale": field.scale or 0,
        "searchPrefilterable": field.type == "reference",
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": field.sortable,
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable,
        "writeRequiresMasterRead": False,
    }
