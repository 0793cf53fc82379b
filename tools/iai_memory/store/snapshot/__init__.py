"""The table in memory, as immutable segments: derived from LanceDB's table, dropped at any time."""
