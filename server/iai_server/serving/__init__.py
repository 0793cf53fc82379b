"""The serving process: start, runtime of the memory, life cycle, the refresher thread, logs."""
