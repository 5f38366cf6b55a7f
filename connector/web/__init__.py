"""What the service shows on the network: Stripe's webhooks on one address, health and metrics on another."""
