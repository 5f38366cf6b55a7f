"""Operations to Stripe calls, and their ends to outcomes.

The stored body is what is sent: the same body gives the same bytes, so that a repeated key gets the
first answer again (platform.md C1). May not decide whether something is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.core.body import decode_body
from connector.core.errors import Ambiguous, Refused, RemoteError, Throttled, Transient, Unauthorised
from connector.core.model import Applied, Delay, OperationState, Outcome, Record, Refusal, Unknown
from connector.stripe.client import Call, Failed, Reply
from connector.stripe.conditions import condition_of
from connector.stripe.errors import IDEMPOTENCY_ERROR, REPLAYED_ERROR
from connector.stripe.reads import complete_record, key_of
from connector.stripe.resources import RESOURCES, record_of

if TYPE_CHECKING:
    from connector.core.mapping import Pack
    from connector.core.model import Operation
    from connector.stripe.client import Client

_MISSING = "resource_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How one action is carried out. `answers`: the reply shows the object of the operation's kind."""

    method: str
    template: str
    answers: bool = True


def _post(template: str, *, answers: bool = True) -> Step:
    return Step(method="post", template=template, answers=answers)


#: Every write this adapter can make, by (Stripe object, action). Paths: the derived API description.
STEPS = {
    ("customer", "create"): _post("/v1/customers"),
    ("customer", "update"): _post("/v1/customers/{id}"),
    # Writes our mark on what was there before us.
    ("customer", "mark"): _post("/v1/customers/{id}"),
    ("product", "mark"): _post("/v1/products/{id}"),
    ("quote", "mark"): _post("/v1/quotes/{id}"),
    ("invoice", "mark"): _post("/v1/invoices/{id}"),
    ("product", "create"): _post("/v1/products"),
    ("product", "update"): _post("/v1/products/{id}"),
    ("quote", "create"): _post("/v1/quotes"),
    ("quote", "update"): _post("/v1/quotes/{id}"),
    ("quote", "finalize"): _post("/v1/quotes/{id}/finalize"),
    ("quote", "cancel"): _post("/v1/quotes/{id}/cancel"),
    ("quote", "accept"): _post("/v1/quotes/{id}/accept"),
    # Keeps the invoice an accepted quote made from billing by itself: the target and the reply are that invoice.
    ("quote", "hold"): _post("/v1/invoices/{id}", answers=False),
    ("invoice", "create"): _post("/v1/invoices"),
    ("invoice", "update"): _post("/v1/invoices/{id}"),
    ("invoice", "add_lines"): _post("/v1/invoices/{id}/add_lines"),
    ("invoice", "finalize"): _post("/v1/invoices/{id}/finalize"),
    ("invoice", "void"): _post("/v1/invoices/{id}/void"),
    # Only drafts can be deleted (platform.md C6).
    ("invoice", "delete"): Step(method="delete", template="/v1/invoices/{id}"),
    ("payment_record", "create"): _post("/v1/payment_records/report_payment"),
    # The target is the invoice here, and so is the reply.
    ("payment_record", "attach"): _post("/v1/invoices/{id}/attach_payment", answers=False),
}


class Writer:
    def __init__(self, client: Client, *, pack: Pack) -> None:
        self._client = client
        self._pack = pack

    def perform(self, operation: Operation) -> tuple[Outcome, RemoteError | None]:
        """Makes the call. The error is set when it stops the whole side and not just this operation."""
        step, call = self._plan(operation)
        result = self._client.attempt(call)
        if isinstance(result, Reply):
            return self._applied(operation, step, result), None
        return _failed(operation, step, result)

    def _plan(self, operation: Operation) -> tuple[Step, Call]:
        stripe_object = self._pack.kinds[operation.kind].stripe.object
        step = STEPS.get((stripe_object, operation.action))
        assert step is not None, f"no Stripe call for {stripe_object} {operation.action}"
        assert ("{id}" in step.template) == (operation.target_id is not None), f"{operation.action}: target id"
        params = {name: wire_value(value) for name, value in decode_body(operation.body).items()}
        resource = RESOURCES.get(stripe_object)
        if resource is not None and resource.expand and step.answers:
            # Lines come only if asked for, and the record in the reply is to be whole.
            params["expand"] = sorted({*params.get("expand", ()), *resource.expand})
        return step, Call(
            method=step.method,
            template=step.template,
            id=operation.target_id,
            params=params,
            idempotency_key=operation.idempotency_key if step.method == "post" else None,
            kind=operation.kind,
        )

    def _applied(self, operation: Operation, step: Step, reply: Reply) -> Outcome:
        record = self._record(operation.kind, reply.body) if step.answers else None
        return Applied(target_id=reply.body["id"], record=record, request_id=reply.request_id)

    def _record(self, kind: str, item: dict[str, Any]) -> Record | None:
        """A draft invoice is compared line by line before it is finalised, so it is shown with all lines or
        not at all. Of other documents the record may hold the first page only; their `has_more` says so.
        """
        if (item.get("object"), item.get("status")) != ("invoice", "draft"):
            return record_of(kind, item)
        try:
            return complete_record(self._client, kind, item)
        except RemoteError:
            # The write is done all the same; whoever needs the record reads it and meets the error there.
            return None


def wire_value(value: Any) -> Any:
    """A body's value as the SDK's form encoder needs it.

    The encoder drops null without a word; Stripe's way to clear a field is the empty text
    (platform.md C5). Decimals are written out, never with an exponent.
    """
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return {name: wire_value(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [wire_value(inner) for inner in value]
    return value


def _failed(operation: Operation, step: Step, failed: Failed) -> tuple[Outcome, RemoteError | None]:
    error = failed.error
    code = error.code or type(error).__name__.lower()
    # What an earlier run sent, or a worker that died sending, may have been carried out whatever ends this call.
    doubtful = failed.doubtful or operation.state is OperationState.UNKNOWN or operation.attempts > 1
    if error.code == IDEMPOTENCY_ERROR:
        # The key is a hash of what is done: whoever used it with other bytes was an earlier version of us, and
        # its attempt may have been carried out. A refusal would make the record again under the next key.
        return Unknown(code=code, message=error.message, key_is_spent=True, request_id=error.request_id), None
    if isinstance(error, Refused):
        return _refused(operation, step, error, code), None
    stops_side = None if isinstance(error, Throttled | Transient | Ambiguous) else error
    certain = isinstance(error, Throttled | Transient | Unauthorised) and not doubtful
    if certain:
        wait_s = error.retry_after_s if isinstance(error, Throttled) else None
        delay = Delay(
            code=code,
            message=error.message,
            retry_after_s=wait_s,
            failure=error.failure,
            request_id=error.request_id,
        )
        return delay, stops_side
    is_spent = code == REPLAYED_ERROR
    return Unknown(code=code, message=error.message, key_is_spent=is_spent, request_id=error.request_id), stops_side


def _refused(operation: Operation, step: Step, error: Refused, code: str) -> Outcome:
    gone = error.status == 404 and error.code == _MISSING and operation.target_id is not None
    if gone and step.method == "delete":
        assert operation.target_id is not None
        # What was to be deleted is gone: an earlier attempt did it and its reply was lost.
        fields = {"id": operation.target_id, "deleted": True}
        record = Record(key=key_of(operation.kind, operation.target_id), version="", fields=fields, deleted=True)
        return Applied(target_id=operation.target_id, record=record, request_id=error.request_id)
    return Refusal(
        code=code,
        message=error.message,
        fields=error.fields,
        request_id=error.request_id,
        gone=gone,
        condition=condition_of(error.code),
    )
