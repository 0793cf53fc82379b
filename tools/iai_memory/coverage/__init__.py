"""What an answer covers: how much was searched, and why a memory may be out of its sight."""
