"""What a store does while nobody waits: compaction, vectors, topics, repetitions, the payload."""

from .contradictions import Contradiction, find_contradictions
from .duplicates import Folds, find_duplicates, load_folds, save_folds
from .pace import InterruptedWork, Pace
from .sleep import STEPS, SleepReport, needs_sleep, run_sleep
from .topic_file import load_topics, save_topics
from .topics import SMALL_STORE, TopicMap, build_topics

__all__ = [
    "SMALL_STORE",
    "STEPS",
    "Contradiction",
    "Folds",
    "InterruptedWork",
    "Pace",
    "SleepReport",
    "TopicMap",
    "build_topics",
    "find_contradictions",
    "find_duplicates",
    "load_folds",
    "load_topics",
    "needs_sleep",
    "run_sleep",
    "save_folds",
    "save_topics",
]
