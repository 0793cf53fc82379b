"""What a store does while nobody waits: compaction, vectors, topics, repetitions, the payload."""
