"""Secrets in Kubernetes' manifests of kind Secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .patterns import Span, compiled
from .randomness import is_placeholder

_MANIFEST: Final = r"kind:[ \t]{0,4}[\"']?Secret\b"

_DATA: Final = r"(?m)^(?:data|stringData):[ \t]{0,4}$(?P<lines>(?:\n[ \t]{1,8}[^\n]{0,4000}){1,40})"

_VALUE: Final = (
    r"(?m)^[ \t]{1,8}[\w.-]{1,80}:[ \t]{1,4}"
    r"[\"']?(?P<secret>[^\s\"'{}|>][^\s\"']{7,4000})[\"']?[ \t]{0,4}$"
)


def manifest_secrets(text: str) -> Iterator[Span]:
    """Yield the values under `data` of Kubernetes' manifests of kind Secret."""
    if "Secret" not in text or compiled(_MANIFEST).search(text) is None:
        return
    for data in compiled(_DATA).finditer(text):
        for match in compiled(_VALUE).finditer(text, *data.span("lines")):
            if not is_placeholder(match["secret"]):
                yield *match.span("secret"), "manifest_secret"
