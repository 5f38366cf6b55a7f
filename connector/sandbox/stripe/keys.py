"""Secret and restricted API keys of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.stripe.errors import StripeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.sandbox.stripe.ids import Ids


class Keys:
    def __init__(self, ids: Ids, *, livemode: bool) -> None:
        self._mode = "live" if livemode else "test"
        self.secret = f"sk_{self._mode}_{ids.tail(24)}"
        #: restricted key -> resource path part -> "read" or "write"
        self.restricted: dict[str, dict[str, str]] = {}

    def restrict(self, ids: Ids, permissions: Mapping[str, str]) -> str:
        key = f"rk_{self._mode}_{ids.tail(24)}"
        self.restricted[key] = dict(permissions)
        return key

    def check(self, key: str | None) -> str:
        """The key, known; StripeError 401 otherwise."""
        if not key:
            raise StripeError(
                "You did not provide an API key. You need to provide your API key in the Authorization header, using "
                "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
                status=401,
            )
        if key != self.secret and key not in self.restricted:
            raise StripeError(f"Invalid API Key provided: {_masked(key)}", status=401)
        return key

    def check_account(self, key: str, wanted: str | None, *, account_id: str) -> None:
        """StripeError 403 for a `Stripe-Account` this key cannot act for; there are no connected accounts here."""
        if wanted not in (None, account_id):
            raise StripeError(
                f"The provided key '{_masked(key)}' does not have access to account '{wanted}' (or that account does not "
                "exist). Application access may have been revoked.",
                status=403,
                code="account_invalid",
            )

    def permit(self, key: str, method: str, path: str, *, account_id: str) -> None:
        """StripeError 403 where a restricted key lacks the right."""
        if key == self.secret:
            return
        resource = path.strip("/").split("/")[1]
        needed = "read" if method == "GET" else "write"
        held = self.restricted[key].get(resource)
        if held in ("write", needed):
            return
        permission = f"{resource.removesuffix('s')}_{needed}"
        raise StripeError(
            f"The provided key '{_masked(key)}' does not have the required permissions for this endpoint on account "
            f"'{account_id}'. Having the '{permission}' permission would allow this request to continue.",
            status=403,
        )


def _masked(key: str) -> str:
    return f"{key[:8]}{'*' * max(0, len(key) - 12)}{key[-4:]}" if len(key) > 12 else "*" * len(key)
