"""The version of this distribution; flat, since a package above it costs each handshake."""

__version__ = "0.1.0"
