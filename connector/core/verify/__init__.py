"""What the prerequisite verifier knows and says; pure. Rules are data in config/prerequisites.yaml."""
