"""The only place that knows the Azure SDK clients: tables, queues, blobs, shares, sealed secrets."""
