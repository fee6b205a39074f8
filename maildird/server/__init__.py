"""The daemon: listeners, streams, login, configuration, logging."""
