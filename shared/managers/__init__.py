"""The only writers of state: submission, claims, attempts, clusters, sweeper.

One module per duty; each is handed the stores it writes.
`shared.backend` puts them together; api and runner import them, nobody below does.
"""
