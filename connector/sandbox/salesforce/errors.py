"""The one error of the simulated org, in the shape Salesforce answers with.

Top-level bodies are arrays of `{message, errorCode, fields?}`; inside collections the same error is
`{statusCode, message, fields}` (platform.md B, "sObject Collections").
"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """One refusal; `status` is the HTTP status when it ends a whole request."""

    def __init__(self, status: int, code: str, message: str, fields: list[str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def as_body(self) -> list[dict[str, Any]]:
        """The array of a failed single request."""
        entry: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            entry["fields"] = self.fields
        return [entry]

    def as_row(self) -> dict[str, Any]:
        """The entry of a failed row in a collections answer."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields or []}


def not_found(message: str = "The requested resource does not exist") -> ApiError:
    return ApiError(404, "NOT_FOUND", message)


def malformed_query(message: str) -> ApiError:
    return ApiError(400, "MALFORMED_QUERY", message)


def unknown_column(field: str, sobject: str) -> ApiError:
    """An unknown field in a body; wording as recorded from a real org."""
    return ApiError(400, "INVALID_FIELD", f"No such column '{field}' on sobject of type {sobject}")


def parser_error(type_name: str, value: object) -> ApiError:
    """A JSON value of a kind the field's type cannot be read from."""
    kind = {bool: "VALUE_TRUE" if value is True else "VALUE_FALSE", str: "VALUE_STRING", int: "VALUE_NUMBER_INT"}.get(
        type(value), "START_OBJECT" if isinstance(value, dict) else "VALUE_NUMBER_FLOAT"
    )
    shown = "" if isinstance(value, dict) else f" {value}"
    return ApiError(
        400,
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {type_name} from {kind} value{shown} or request may be missing a required field",
    )
