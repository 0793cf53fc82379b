"""The embedding model: where its files are, how they get there, and text to vectors.

Importing this package loads none of the libraries that convert or run the model: a server can
answer its handshake first and load the model afterwards.
"""

from .encoder import Encoder, load_encoder
from .files import ModelFiles, find_model, installed_folder
from .identity import DIMENSION, IDENTITY, MODEL_NAME, EmbedderIdentity
from .install import install_model

__all__ = [
    "DIMENSION",
    "IDENTITY",
    "MODEL_NAME",
    "EmbedderIdentity",
    "Encoder",
    "ModelFiles",
    "find_model",
    "install_model",
    "installed_folder",
    "load_encoder",
]
