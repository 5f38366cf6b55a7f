"""What the verifier asks a Stripe account."""
