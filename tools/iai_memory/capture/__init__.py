"""Capture: the turns of the hosts' transcripts, verbatim, without the hosts' own texts."""
