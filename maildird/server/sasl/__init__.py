"""SASL mechanisms (RFC 4422), without any connection: octets in, steps out."""
