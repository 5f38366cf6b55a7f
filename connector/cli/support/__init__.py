"""`connector support-bundle`: what somebody who helps needs to see, and nothing about a customer or a secret."""
