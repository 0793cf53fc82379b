"""Capture: what was said in the hosts' transcripts, verbatim, without what the hosts put there."""
