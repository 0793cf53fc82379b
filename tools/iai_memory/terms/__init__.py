"""What a text is found by: its terms, made the same way for a stored text and for a question."""

from .analyzer import MAX_QUERY_TERMS, document_terms, query_terms
from .languages import detect
from .words import MAX_TERM

__all__ = ["MAX_QUERY_TERMS", "MAX_TERM", "detect", "document_terms", "query_terms"]
