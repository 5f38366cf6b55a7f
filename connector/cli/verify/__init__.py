"""The faces of a verification: terminal, files, and what people say about checks."""
