"""connector keeps a Salesforce CPQ + Billing org and a Stripe account in step, both ways."""

__version__ = "0.1.0"
