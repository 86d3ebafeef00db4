"""The only place that knows the Azure SDK clients: tables, queues, blobs.

One module per table, queue or container; `connection` opens them.
Managers and `backend` import it; others reach it through a manager.
"""
