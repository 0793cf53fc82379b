"""The base of every package: files, locks, time, the ledger, small state files."""
