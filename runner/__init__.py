"""What happens on the GPU machine: take a job, run it, tell how it ended."""
