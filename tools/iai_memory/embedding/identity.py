"""The identity of an embedder: two vectors may be compared only where theirs are equal."""

from __future__ import annotations

from dataclasses import dataclass

MODEL_NAME = "all-MiniLM-L6-v2"
DIMENSION = 384


@dataclass(frozen=True)
class EmbedderIdentity:
    """Everything that changes a vector.

    Attributes:
        model: Name under which the weights were published.
        revision: sha256 of the published weights, 64 hex digits.
        precision: Arithmetic of the graph; `convert` describes int8-per-token.
        pooling: How token vectors become one vector.
        dimension: Length of a vector.
        prefix: Put before each text before it is encoded.
    """

    model: str
    revision: str
    precision: str
    pooling: str
    dimension: int
    prefix: str = ""

    @property
    def key(self) -> str:
        """One stable string, such as `all-MiniLM-L6-v2@53aa51172d14/int8-per-token/mean/384`.

        A prefix follows in quotes, so that one that ends in a space stays visible.
        """
        key = f"{self.model}@{self.revision[:12]}/{self.precision}/{self.pooling}/{self.dimension}"
        return f"{key}/{self.prefix!r}" if self.prefix else key


IDENTITY = EmbedderIdentity(
    model=MODEL_NAME,
    revision="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    precision="int8-per-token",
    pooling="mean",
    dimension=DIMENSION,
)
