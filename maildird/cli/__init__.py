"""The `maildird` command and its subcommands."""
