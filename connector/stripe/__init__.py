"""The adapter for one Stripe account, on the official SDK."""

from __future__ import annotations

from connector.stripe.client import API_VERSION, Limiter, StripeOptions
from connector.stripe.system import StripeSystem, connect

__all__ = ["API_VERSION", "Limiter", "StripeOptions", "StripeSystem", "connect"]
