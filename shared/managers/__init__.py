"""The only writers of state: submission, claims, attempts, clusters, sweeper.

`shared.backend` puts them together; api and runner call them, nobody below does.
"""
