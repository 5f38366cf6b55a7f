"""A full comparison of both systems, and the certificate that says how far they agree."""
