"""What is put before a model at a prompt, without being asked."""
