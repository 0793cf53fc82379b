"""The identity of an embedder: two vectors may be compared only where theirs are equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MODEL_NAME = "all-MiniLM-L6-v2"
DIMENSION = 384
TOKEN_REVISION = "1"
"""Revision of the token axes, of how `convert` applies them and of which tokens have vectors."""


@dataclass(frozen=True)
class EmbedderIdentity:
    """Everything that changes a vector, and how its cosines and its languages are to be read.

    Attributes:
        model: Name under which the weights were published.
        revision: sha256 of the published weights, 64 hex digits.
        precision: Arithmetic of the graph; `convert` describes int8-per-token.
        pooling: How token vectors become one vector.
        dimension: Length of a vector.
        prefix: Put before each stored text, and each passage of one, before it is encoded.
        query_prefix: Put before a question; None is the same as for a text.
        cosine_zero: The cosine of a question with a text that has nothing to do with it, as far as
            the model says so. Contrastive training at a low temperature leaves all vectors in a
            cone.
        cosine_one: The cosine of a question with a text that means as much as 1.0 of
            all-MiniLM-L6-v2.
        text_zero: The same as `cosine_zero` of two texts, which have one prefix.
        text_one: The same as `cosine_one` of two texts.
        reads: ISO 639-1 codes of the languages that the model was made for.
        tokens: Revision of the projection of token vectors; empty for a graph without them. It is
            no part of `key`: vectors of whole texts and passages are the same with any.
    """

    model: str
    revision: str
    precision: str
    pooling: str
    dimension: int
    prefix: str = ""
    query_prefix: str | None = None
    cosine_zero: float = 0.0
    cosine_one: float = 1.0
    text_zero: float = 0.0
    text_one: float = 1.0
    reads: tuple[str, ...] = ("en",)
    tokens: str = ""

    @property
    def token_key(self) -> str | None:
        """One stable string for token vectors; None for a graph without them."""
        return f"{self.key}/tokens-{self.tokens}" if self.tokens else None

    @property
    def key(self) -> str:
        """One stable string, such as `all-MiniLM-L6-v2@53aa51172d14/int8-per-token/mean/384`.

        A prefix follows in quotes, so that one that ends in a space stays visible; then that of
        questions, where it is another one. How cosines are read is no part of it: no vector changes
        with that.
        """
        key = f"{self.model}@{self.revision[:12]}/{self.precision}/{self.pooling}/{self.dimension}"
        if self.prefix or self.question_prefix:
            key += f"/{self.prefix!r}"
        if self.question_prefix != self.prefix:
            key += f"/{self.question_prefix!r}"
        return key

    @property
    def question_prefix(self) -> str:
        """What is put before a question."""
        return self.prefix if self.query_prefix is None else self.query_prefix

    @property
    def maps_cosines(self) -> bool:
        """Whether `similarity` is anything but its argument."""
        return (self.cosine_zero, self.cosine_one) != (0.0, 1.0)

    def similarity(self, cosine: float) -> float:
        """Map the cosine of a question with a text to what all weights and minimums are made for.

        An affine map, the identity for all-MiniLM-L6-v2, cut off at -1 and 1: it changes no order.
        """
        scaled = (cosine - self.cosine_zero) / (self.cosine_one - self.cosine_zero)
        return max(-1.0, min(1.0, scaled))


IDENTITY: Final = EmbedderIdentity(
    model=MODEL_NAME,
    revision="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    precision="int8-per-token",
    pooling="mean",
    dimension=DIMENSION,
    tokens=TOKEN_REVISION,
)

_LANGUAGES_OF_E5: Final = (
    "af am ar as az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gd gl gu ha "
    "he hi hr hu hy id is it ja jv ka kk km kn ko ku ky la lo lt lv mg mk ml mn mr ms my ne nl "
    "no om or pa pl ps pt ro ru sa sd si sk sl so sq sr su sv sw ta te th tl tr ug uk ur uz vi "
    "xh yi zh"
)

MULTILINGUAL: Final = EmbedderIdentity(
    model="multilingual-e5-small",
    revision="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    precision="int8-per-token",
    pooling="mean",
    dimension=DIMENSION,
    prefix="passage: ",
    query_prefix="query: ",
    # On one LoCoMo conversation and 100 English XQuAD paragraphs these bring the mean cosines of
    # unrelated and of right texts near those of all-MiniLM-L6-v2: .16 and .34 for .16 and .36, and
    # .08 and .66 for .03 and .59. Those of two notes, turns or paragraphs are higher.
    cosine_zero=0.726,
    cosine_one=0.944,
    text_zero=0.785,
    text_one=1.0,
    reads=tuple(_LANGUAGES_OF_E5.split()),
    tokens=TOKEN_REVISION,
)

PUBLISHED: Final = (IDENTITY, MULTILINGUAL)
"""The models that `iai-mcp model install` knows."""


def published_as(key: str) -> EmbedderIdentity | None:
    """Return the published model with this key; None for any other, such as one of yours."""
    return next((one for one in PUBLISHED if one.key == key), None)


def text_cosine(key: str, similarity: float) -> float:
    """Return the cosine of two texts by the model with this key that means as much as this one by
    all-MiniLM-L6-v2; a model that is not published here is taken for one like that.
    """
    model = published_as(key) or IDENTITY
    return model.text_zero + similarity * (model.text_one - model.text_zero)


def install_command(model: str) -> str:
    """Return the command that installs the published model of this name."""
    flag = " --multilingual" if model == MULTILINGUAL.model else ""
    return f"iai-mcp model install{flag}"
