"""One kind's YAML file -> its KindMapping, with the lines messages will name.

Only the shape is judged here; what the parts mean to each other is `pack_rules.py`'s matter, and
whether the names exist `schema_rules.py`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.config.condition import read_condition
from connector.config.field_parser import SIDES, parse_fields, parse_tables
from connector.config.options import OPTIONS, check_options
from connector.config.parsed import ParsedKind, SchemaUse, Use
from connector.config.stripe_names import RESOURCES
from connector.core.mapping import (
    AdoptRule,
    CompanionSpec,
    KindMapping,
    LineSpec,
    Nature,
    SalesforceSpec,
    StripeSpec,
    Watch,
)
from connector.core.model import Side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.config.sections import Section
    from connector.core.mapping import Codec

#: what a Salesforce status may mean to a lifecycle
STATES: Final = ("absent", "draft", "live", "accepted", "cancelled")

_NATURES: Final = tuple(nature.value for nature in Nature)


def parse_kind(section: Section, *, codecs: Mapping[str, Codec], overrides: Mapping[str, Any]) -> ParsedKind | None:
    """None when too little is there to go on; every problem is reported through `section`."""
    kind = section.text("kind", required=True)
    nature = section.choice("nature", _NATURES, required=True)
    born = section.choice("born", SIDES, required=True)
    lifecycle = section.choice("lifecycle", OPTIONS, required=True)
    tier = section.integer("tier", required=True)
    needs = section.texts("needs")
    born_by_need = section.boolean("born_by_need")
    # credit_note joins when credit notes are mirrored
    after_final = section.choice("after_final", ("park",)) or "park"
    tables = parse_tables(section.section("tables"))
    salesforce = section.section("salesforce", required=True)
    stripe = section.section("stripe", required=True)
    fields = parse_fields(section.section("fields"), codecs=codecs, tables=tables)
    reader = _Reader(born=Side(born) if born is not None else Side.SALESFORCE)
    lines = reader.lines(section.section("lines"))
    more_lines = tuple(more for inner in section.sections("more_lines") if (more := reader.lines(inner)) is not None)
    also = tuple(spec for inner in section.sections("also") if (spec := reader.companion(inner)) is not None)
    adopt = _parse_adopt(section.section("adopt"))
    options = section.section("options")
    values = section.plain_mapping("options") | dict(overrides)
    if lifecycle is not None:
        check_options(options if options is not None else section, values, lifecycle=lifecycle)
    section.node("examples")  # examples.py reads them
    section.finish()
    if salesforce is None or stripe is None:
        return None
    salesforce_spec = reader.salesforce(salesforce)
    stripe_spec = _parse_stripe(stripe)
    if salesforce_spec is None or stripe_spec is None or kind is None or nature is None:
        return None
    if born is None or lifecycle is None or tier is None:
        return None
    mapping = KindMapping(
        kind=kind,
        nature=Nature(nature),
        born=Side(born),
        lifecycle=lifecycle,
        tier=tier,
        needs=needs,
        born_by_need=born_by_need,
        salesforce=salesforce_spec,
        stripe=stripe_spec,
        fields=tuple(field.rule for field in fields),
        lines=lines,
        more_lines=more_lines,
        also=also,
        after_final=after_final,
        adopt=adopt,
        options=values,
        source=section.where,
    )
    return ParsedKind(
        mapping=mapping,
        fields=fields,
        uses=tuple(reader.uses),
        section=section,
        salesforce=salesforce,
        stripe=stripe,
        states_where=reader.states_where,
        options=options,
        objects=tuple(reader.objects),
    )


class _Reader:
    """Reads the Salesforce parts and notes every path they name."""

    def __init__(self, *, born: Side) -> None:
        self._born = born
        self.uses: list[SchemaUse] = []
        self.objects: list[tuple[str, str]] = []
        self.states_where: dict[str, str] = {}

    def salesforce(self, section: Section) -> SalesforceSpec | None:
        name, marker = section.text("object", required=True), section.text("marker", required=True)
        where = section.text("where")
        state, currency, shard = section.text("state"), section.text("currency"), section.text("shard")
        states = section.text_mapping("states")
        roles, constants = section.text_mapping("roles"), section.plain_mapping("constants")
        watches = tuple(watch for inner in section.sections("watches") if (watch := self._watch(inner)) is not None)
        section.finish()
        states_section = section.section("states")
        if states_section is not None:
            self.states_where = {value: states_section.where_of(value) for value in states}
            for value in states:
                states_section.choice(value, STATES)
        if (state is None) != (not states):
            section.report("`state` and `states` belong together", "give both, or neither")
        if name is None or marker is None:
            return None
        self._object(name, section.where_of("object"))
        self._use(name, marker, Use.MARK, section.where_of("marker"))
        for key, path in (("state", state), ("currency", currency), ("shard", shard)):
            if path is not None:
                self._use(name, path, Use.READ, section.where_of(key))
        self._roles(name, section, roles)
        for path in constants:
            self._use(name, path, Use.CREATE, section.where_of("constants"))
        self._condition(name, section, where)
        return SalesforceSpec(
            object=name,
            marker=marker,
            where=where,
            state=state,
            states=states,
            currency=currency,
            shard=shard,
            roles=roles,
            constants=constants,
            watches=watches,
        )

    def lines(self, section: Section | None) -> LineSpec | None:
        if section is None:
            return None
        name, parent = section.text("object", required=True), section.text("parent", required=True)
        order, shape = section.text("order", required=True), section.text("shape", required=True)
        roles, where = section.text_mapping("roles", required=True), section.text("where")
        section.finish()
        if name is None or parent is None or order is None or shape is None:
            return None
        self._object(name, section.where_of("object"))
        self._use(name, parent, Use.READ, section.where_of("parent"))
        self._use(name, order, Use.READ, section.where_of("order"))
        self._roles(name, section, roles)
        self._condition(name, section, where)
        paths = tuple(dict.fromkeys(roles.values()))
        return LineSpec(object=name, parent=parent, order=order, paths=paths, roles=roles, shape=shape, where=where)

    def companion(self, section: Section) -> CompanionSpec | None:
        name, marker = section.text("object", required=True), section.text("marker", required=True)
        roles, constants = section.text_mapping("roles", required=True), section.plain_mapping("constants")
        section.finish()
        if name is None or marker is None:
            return None
        self._object(name, section.where_of("object"))
        self._use(name, marker, Use.MARK, section.where_of("marker"))
        for path in (*roles.values(), *constants):
            self._use(name, path, Use.CREATE, section.where_of("roles"))
        return CompanionSpec(object=name, marker=marker, roles=roles, constants=constants)

    def _watch(self, section: Section) -> Watch | None:
        name, keys = section.text("object", required=True), section.text_mapping("keys", required=True)
        stamp = section.text("stamp") or "SystemModstamp"
        section.finish()
        if name is None or not keys:
            return None
        self._object(name, section.where_of("object"))
        for path in (*keys.values(), stamp):
            self._use(name, path, Use.READ, section.where)
        return Watch(object=name, keys=keys, stamp=stamp)

    def _roles(self, name: str, section: Section, roles: Mapping[str, str]) -> None:
        inner = section.section("roles")
        for role, path in roles.items():
            assert inner is not None
            self._use(name, path, Use.READ, inner.where_of(role))

    def _condition(self, name: str, section: Section, text: str | None) -> None:
        if text is None:
            return
        condition = read_condition(text)
        for observed, remedy in condition.slips:
            section.report(f"{section.title}: where has {observed}", remedy, key="where")
        for path in condition.fields:
            self._use(name, path, Use.READ, section.where_of("where"))

    def _object(self, name: str, where: str) -> None:
        self.objects.append((name, where))

    def _use(self, name: str, path: str, use: Use, where: str) -> None:
        self.uses.append(SchemaUse(object=name, path=path, use=use, where=where))


def _parse_adopt(section: Section | None) -> AdoptRule | None:
    if section is None:
        return None
    rule = AdoptRule(
        reference=section.texts("reference"),
        amount=section.text("amount"),
        hints=section.texts("hints"),
        parent=section.text("parent"),
    )
    section.finish()
    return rule


def _parse_stripe(section: Section) -> StripeSpec | None:
    name = section.choice("object", RESOURCES, required=True)
    inner = section.section("constants")
    constants = {action: inner.plain_mapping(action) for action in inner.names()} if inner is not None else {}
    section.finish()
    return StripeSpec(object=name, constants=constants) if name is not None else None
