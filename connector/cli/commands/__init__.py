"""One module per command; `connector.cli.main.COMMANDS` lists them."""
