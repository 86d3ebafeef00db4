"""The `batchai` command. Talks HTTP to an installation; lint and explain work on files alone."""
