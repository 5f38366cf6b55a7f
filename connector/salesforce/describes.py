"""Who answers and what its objects look like: the organisation and all describes in one call.

Field names of a describe come from the recorded answers of a real org (`queryable`, `createable`,
`externalId`, `caseSensitive`, `picklistValues`, ...). May not judge; `needs.py` does.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from connector.core.errors import Refused
from connector.core.model import Side
from connector.salesforce import soql
from connector.salesforce.composite import Query, SubRequest
from connector.salesforce.errors import read_failure
from connector.salesforce.reads import CURRENCY_FIELD, STAMP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.mapping import KindMapping, Pack
    from connector.salesforce.client import Client

#: of a field, what a refused write may have hung on
_RIGHTS: Final = ("createable", "updateable", "nillable", "defaultedOnCreate")
_ORGANIZATION: Final = Query(text="SELECT Id,Name,IsSandbox FROM Organization LIMIT 1", action="identify")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectShape:
    """One object as the signed-in user may use it; a field hidden from the user is not in `fields`."""

    name: str
    queryable: bool
    createable: bool
    updateable: bool
    fields: Mapping[str, Mapping[str, Any]]

    def field(self, name: str) -> Mapping[str, Any] | None:
        return self.fields.get(name.lower())

    def picklist(self, name: str) -> frozenset[str] | None:
        """The active values of a picklist field; None when it is missing or no picklist."""
        found = self.field(name)
        return None if found is None else _offered(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgShape:
    org_id: str
    name: str
    is_sandbox: bool
    multi_currency: bool
    #: by object name; an object the user cannot see is absent
    objects: Mapping[str, ObjectShape]
    #: per object, why its paths through lookups cannot be read; absent when they can
    broken_paths: Mapping[str, str]


def _offered(field: Mapping[str, Any]) -> frozenset[str] | None:
    """The active values of a picklist; None when the field is none."""
    if field.get("type") not in {"picklist", "multipicklist"}:
        return None
    return frozenset(entry["value"] for entry in field.get("picklistValues", ()) if entry.get("active", True))


def objects_of(pack: Pack) -> dict[str, list[KindMapping]]:
    """Every object the pack touches, with the kinds that need it."""
    found: dict[str, list[KindMapping]] = {}
    for mapping in pack.kinds.values():
        names = [mapping.salesforce.object]
        names += [watch.object for watch in mapping.salesforce.watches]
        names += [companion.object for companion in mapping.also]
        names += [lines.object for lines in mapping.line_specs]
        for name in dict.fromkeys(names):
            found.setdefault(name, []).append(mapping)
    return found


def read_paths_of(pack: Pack) -> dict[str, dict[str, set[str]]]:
    """Object -> path -> kinds that read it."""
    found: dict[str, dict[str, set[str]]] = {}

    def add(name: str, path: str | None, kind: str) -> None:
        if path:
            found.setdefault(name, {}).setdefault(path, set()).add(kind)

    for kind, mapping in pack.kinds.items():
        spec = mapping.salesforce
        paths = ["Id", STAMP, spec.marker, spec.state, spec.currency, spec.shard, *spec.roles.values()]
        for path in (*paths, *(rule.salesforce for rule in mapping.fields)):
            add(spec.object, path, kind)
        for lines in mapping.line_specs:
            for path in (lines.parent, lines.order, *lines.paths, *lines.roles.values()):
                add(lines.object, path, kind)
        for watch in spec.watches:
            for concerned, path in watch.keys.items():
                add(watch.object, watch.stamp, concerned)
                add(watch.object, path, concerned)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeQuestions:
    """What has to be asked to know an OrgShape: a query, one per object with paths to be tried, and the describes."""

    organization: Query
    #: per object, a query of its paths through lookups to objects that are not described
    probes: Mapping[str, Query]
    #: objects to describe
    names: tuple[str, ...]
    #: per object, its paths to objects that are described
    known: Mapping[str, Sequence[str]]


def digest_of(org: OrgShape) -> str:
    """Equal as long as the user may read and write the same, and the picklists offer the same."""
    content = {
        name: [
            [shape.queryable, shape.createable, shape.updateable],
            {field: [*map(entry.get, _RIGHTS), sorted(_offered(entry) or ())] for field, entry in shape.fields.items()},
        ]
        for name, shape in org.objects.items()
    }
    text = json.dumps([content, dict(org.broken_paths)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def shape_questions(pack: Pack) -> ShapeQuestions:
    names = list(objects_of(pack))
    through = {name: sorted(path for path in paths if "." in path) for name, paths in read_paths_of(pack).items()}
    known = {name: [path for path in paths if _target_in(path, names)] for name, paths in through.items()}
    probes = {
        name: _probe(name, lookups)
        for name, paths in through.items()
        if (lookups := [p for p in paths if p not in known[name]])
    }
    return ShapeQuestions(organization=_ORGANIZATION, probes=probes, names=tuple(names), known=known)


def read_org_shape(
    questions: ShapeQuestions,
    *,
    organization: Sequence[Mapping[str, Any]],
    broken: Mapping[str, str],
    described: Mapping[str, Mapping[str, Any]],
) -> OrgShape:
    """`broken` says per object why its probe failed, `described` holds the describes of the objects that exist."""
    objects = {name: _shape(body) for name, body in described.items()}
    return OrgShape(
        **_organization(organization),
        multi_currency=any(shape.field(CURRENCY_FIELD) is not None for shape in objects.values()),
        objects=objects,
        broken_paths={**_broken_known(questions.known, objects), **broken},
    )


def fetch_org_shape(client: Client, pack: Pack) -> OrgShape:
    """One composite call for packs of 20 objects, of which up to 4 with paths that must be tried."""
    asked = shape_questions(pack)
    requests = [asked.organization.request()]
    requests += [probe.request() for probe in asked.probes.values()]
    requests += [describe_request(name) for name in asked.names]
    try:
        replies = client.composite(requests)
    except Refused as error:
        explained = client.explain_version(error)
        if explained is not None:
            raise explained from error
        raise
    organization, *rest = replies
    probe_replies, describes = rest[: len(asked.probes)], rest[len(asked.probes) :]
    return read_org_shape(
        asked,
        organization=organization.body["records"],
        broken={
            name: read_failure(reply.body).message
            for name, reply in zip(asked.probes, probe_replies, strict=True)
            if reply.status != 200
        },
        described={name: reply.body for name, reply in zip(asked.names, describes, strict=True) if reply.status == 200},
    )


def describe_request(name: str) -> SubRequest:
    """An object the user cannot see is answered with 404, which is an answer."""
    path = f"sobjects/{soql.identifier(name)}/describe"
    return SubRequest(path=path, action=f"describe {name}", accept=frozenset({404}))


def _target_in(path: str, names: Sequence[str]) -> str | None:
    """The object a path of one step goes through, where the lookup is named like an object we describe."""
    relation, *rest = path.split(".")
    target = relation.removesuffix("__r") + "__c"
    return target if relation.endswith("__r") and len(rest) == 1 and target in names else None


def _broken_known(known: Mapping[str, Sequence[str]], objects: Mapping[str, ObjectShape]) -> dict[str, str]:
    """Of the paths whose both ends are described: those the user cannot follow."""
    return {
        name: f"{path} cannot be followed"
        for name, paths in known.items()
        for path in paths
        if name in objects and not _can_follow(objects[name], path, objects)
    }


def _can_follow(shape: ObjectShape, path: str, objects: Mapping[str, ObjectShape]) -> bool:
    target = _target_in(path, list(objects))
    lookup = None if target is None else shape.field(target)
    if target is None or lookup is None or target not in lookup.get("referenceTo", ()):
        return False
    return objects[target].field(path.split(".")[1]) is not None


def _probe(name: str, lookups: Sequence[str]) -> Query:
    """A path through a lookup needs the describe of an object we do not know yet: asking for it costs nothing."""
    text = soql.select(["Id", *soql.unique_paths(lookups)], name, limit=1)
    return Query(text=text, action=f"check {name}", accept=frozenset({400}))


def _organization(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if not records:
        raise Refused("the user cannot see the Organization record", side=Side.SALESFORCE, action="identify")
    row = records[0]
    return {"org_id": soql.record_id(row["Id"]), "name": row["Name"], "is_sandbox": bool(row["IsSandbox"])}


def _shape(describe: Mapping[str, Any]) -> ObjectShape:
    return ObjectShape(
        name=describe["name"],
        queryable=bool(describe["queryable"]),
        createable=bool(describe["createable"]),
        updateable=bool(describe["updateable"]),
        fields={field["name"].lower(): field for field in describe["fields"]},
    )
