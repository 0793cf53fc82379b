"""What every package stands on: files, locks, time, the ledger, small state files."""
