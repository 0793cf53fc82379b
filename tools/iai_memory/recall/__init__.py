"""Recall: from a question to hits with scores, reasons and probabilities."""
