"""The Salesforce side of `ports.Inspector`: one small probe per kind of evidence, read-only."""
